package io.headroom.remedy;

import io.headroom.workload.Workload;
import java.util.List;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Cost against peak: sets of remedies of which none is both dearer and larger than another.
 *
 * <p>Immutable and safe for any number of threads.
 *
 * <pre>{@code
 * Frontier frontier = Plans.frontier(step);
 * frontier.plans().get(1).title();      // the first remedy to try
 * frontier.toTable();                   // remedies, expected, upper, time, accuracy, risk
 * }</pre>
 *
 * @param workload without remedies
 * @param plans the workload as it is first, then ever dearer with an ever smaller peak
 */
public record Frontier(Workload workload, List<Plan> plans) {
    public Frontier {
        plans = List.copyOf(plans);
    }

    /** The plans as a table; sizes in bytes, time as a factor of the step's. */
    public Table toTable() {
        Table table = Table.create("frontier")
                .addColumns(
                        StringColumn.create("remedies"),
                        LongColumn.create("expected"),
                        LongColumn.create("upper"),
                        DoubleColumn.create("time"),
                        StringColumn.create("accuracy"),
                        StringColumn.create("risk"));
        for (Plan plan : plans) {
            table.stringColumn("remedies").append(plan.title());
            table.longColumn("expected").append(plan.estimate().deviceBytes());
            table.longColumn("upper").append(plan.estimate().upperBytes());
            table.doubleColumn("time").append(plan.cost().timeFactor());
            table.stringColumn("accuracy").append(plan.cost().accuracy().toString());
            table.stringColumn("risk").append(plan.cost().risk().toString());
        }
        return table;
    }
}

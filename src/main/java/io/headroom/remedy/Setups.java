package io.headroom.remedy;

import io.headroom.workload.Workload;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * What to run at each memory size, derived from estimates.
 *
 * <p>Immutable and safe for any number of threads.
 *
 * <pre>{@code
 * Setups setups = Plans.setups(step, Plans.SIZES);
 * setups.rows().get(0).plan();      // the cheapest set of remedies within 2 GiB
 * setups.toTable();                 // memory, largest_batch, remedies, expected, upper
 * }</pre>
 *
 * @param workload without remedies
 * @param rows the smallest memory first
 */
public record Setups(Workload workload, List<Setup> rows) {
    public Setups {
        rows = List.copyOf(rows);
    }

    /**
     * One memory size.
     *
     * @param bytes above the idle process, or of the device
     * @param largestBatch that fits without remedies, empty if not even one sample does
     * @param plan the cheapest set with which the workload's own batch fits, empty if none does
     */
    public record Setup(long bytes, OptionalLong largestBatch, Optional<Plan> plan) {}

    /** The rows as a table; sizes in bytes, missing where nothing fits. */
    public Table toTable() {
        Table table = Table.create("set-ups")
                .addColumns(
                        LongColumn.create("memory"),
                        LongColumn.create("largest_batch"),
                        StringColumn.create("remedies"),
                        LongColumn.create("expected"),
                        LongColumn.create("upper"));
        for (Setup row : rows) {
            table.longColumn("memory").append(row.bytes());
            append(table.longColumn("largest_batch"), row.largestBatch());
            table.stringColumn("remedies").append(row.plan().map(Plan::title).orElse(""));
            append(table.longColumn("expected"), bytes(row, false));
            append(table.longColumn("upper"), bytes(row, true));
        }
        return table;
    }

    private static OptionalLong bytes(Setup row, boolean upper) {
        return row.plan()
                .map(plan -> OptionalLong.of(
                        upper ? plan.estimate().upperBytes() : plan.estimate().deviceBytes()))
                .orElse(OptionalLong.empty());
    }

    private static void append(LongColumn column, OptionalLong value) {
        if (value.isPresent()) {
            column.append(value.getAsLong());
        } else {
            column.appendMissing();
        }
    }
}

package io.headroom.render;

import io.headroom.memory.OperatorMemory;
import io.headroom.memory.Peak;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.plotly.components.Axis;
import tech.tablesaw.plotly.components.Figure;
import tech.tablesaw.plotly.components.Layout;
import tech.tablesaw.plotly.traces.BarTrace;

/** A watched stretch as a table, with the operators that took most when they were recorded. */
public final class PeakView {
    private static final int TOP = 10;

    private PeakView() {}

    /** Text and HTML. */
    public static Bundle of(Peak peak) {
        Rows rows = new Rows();
        rows.add("before", peak.before().rss(), "");
        String rose = peak.rose().isPresent() ? Bytes.formatSigned(peak.rose().getAsLong()) : "";
        String sampled = peak.exact() ? "" : rose.isEmpty() ? "sampled" : ", sampled";
        rows.add("peak", peak.highest(), rose + sampled);
        rows.add(
                "after",
                peak.after().rss(),
                peak.kept().isPresent() ? Bytes.formatSigned(peak.kept().getAsLong()) + " kept" : "");
        peak.notes().forEach(rows::note);
        String title = (peak.stage().isEmpty() ? "Watched" : "Watched: " + peak.stage())
                + String.format(Locale.ROOT, " (%.2f s)", peak.took().toNanos() / 1e9);
        StringBuilder text = new StringBuilder(peak.toString());
        StringBuilder html = new StringBuilder(rows.html(title));
        List<OperatorMemory> top = top(peak);
        if (!top.isEmpty()) {
            html.append(
                    "<table><thead><tr><th>operator</th><th>input</th><th>calls</th><th>net bytes</th></tr></thead><tbody>");
            for (OperatorMemory operator : top) {
                text.append(String.format(
                        Locale.ROOT,
                        "%n%12s  %-24s %4d ×  %s",
                        Bytes.format(operator.bytes()),
                        operator.name(),
                        operator.calls(),
                        operator.shape()));
                html.append("<tr><td>")
                        .append(Html.escape(operator.name()))
                        .append("</td><td>")
                        .append(Html.escape(operator.shape()))
                        .append("</td><td>")
                        .append(operator.calls())
                        .append("</td><td>")
                        .append(Bytes.format(operator.bytes()))
                        .append("</td></tr>");
            }
            html.append("</tbody></table>");
        }
        return Bundle.text(text.toString()).html(html.toString());
    }

    /** All operators recorded, as a table: operator, input, calls, bytes. */
    public static Table operators(Peak peak) {
        StringColumn name = StringColumn.create("operator");
        StringColumn input = StringColumn.create("input");
        IntColumn calls = IntColumn.create("calls");
        LongColumn bytes = LongColumn.create("bytes");
        for (OperatorMemory operator : peak.operators()) {
            name.append(operator.name());
            input.append(operator.shape());
            calls.append(operator.calls());
            bytes.append(operator.bytes());
        }
        return Table.create("operators", name, input, calls, bytes);
    }

    /** The ten operators that took most, as a bar chart; text alone where none were recorded. */
    public static Bundle chart(Peak peak) {
        List<OperatorMemory> top = new ArrayList<>(top(peak));
        if (top.isEmpty()) {
            return Bundle.text("No operators were recorded: give operators(…) what watchOperators(() -> …) returned.");
        }
        Collections.reverse(top);
        String[] names = top.stream()
                .map(operator -> (operator.name() + " " + operator.shape()).replaceAll("['\"\\\\]", ""))
                .toArray(String[]::new);
        double[] sizes = top.stream()
                .mapToDouble(operator -> operator.bytes() / (double) Bytes.MIB)
                .toArray();
        Layout layout = Layout.builder()
                .title("Net memory by operator")
                .xAxis(Axis.builder().title("MiB").build())
                .height(400)
                .build();
        BarTrace bars = BarTrace.builder(names, sizes)
                .orientation(BarTrace.Orientation.HORIZONTAL)
                .build();
        return PlotlyFigure.bundle(new Figure(layout, bars), of(peak).plain());
    }

    private static List<OperatorMemory> top(Peak peak) {
        return peak.operators().stream()
                .filter(operator -> operator.bytes() > 0)
                .limit(TOP)
                .toList();
    }
}

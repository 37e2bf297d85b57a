package io.headroom.render;

import io.headroom.budget.Estimate;
import io.headroom.budget.Verdict;
import io.headroom.units.Bytes;
import io.headroom.workload.step.Kind;
import java.util.LinkedHashMap;
import java.util.Map;

/** An estimate as a table with a bar; static HTML that survives JupyterLab's sanitizer. */
public final class EstimateView {
    private EstimateView() {}

    /** Without a limit to compare with. */
    public static Bundle of(Estimate estimate) {
        return of(estimate, 0);
    }

    /** Beside a limit in bytes; 0 for none. */
    public static Bundle of(Estimate estimate, long limitBytes) {
        return Bundle.text(text(estimate, limitBytes)).html(html(estimate, limitBytes));
    }

    private static String text(Estimate estimate, long limitBytes) {
        StringBuilder text = new StringBuilder(estimate.workload().toString()).append('\n');
        rows(estimate)
                .forEach((label, bytes) -> text.append(String.format("  %-31s %12s%n", label, Bytes.format(bytes))));
        text.append("  peak in the ")
                .append(estimate.peakPhase())
                .append(" at ")
                .append(estimate.peakOperator());
        if (limitBytes > 0) {
            text.append("\n  limit ")
                    .append(Bytes.format(limitBytes))
                    .append(": ")
                    .append(Verdict.of(estimate, limitBytes));
        }
        return text.toString();
    }

    private static String html(Estimate estimate, long limitBytes) {
        StringBuilder html = new StringBuilder("<table><thead><tr><th>")
                .append(Html.escape(estimate.workload().toString()))
                .append("</th><th>bytes</th></tr></thead><tbody>");
        rows(estimate).forEach((label, bytes) -> html.append("<tr><td>")
                .append(Html.escape(label))
                .append("</td><td>")
                .append(Bytes.format(bytes))
                .append("</td></tr>"));
        html.append("</tbody></table>").append(bar(estimate, limitBytes));
        html.append("<p>Peak in the ")
                .append(Html.escape(estimate.peakPhase()))
                .append(" at <b>")
                .append(Html.escape(estimate.peakOperator()))
                .append("</b>.");
        if (limitBytes > 0) {
            html.append(" Limit ")
                    .append(Bytes.format(limitBytes))
                    .append(": <b>")
                    .append(Verdict.of(estimate, limitBytes))
                    .append("</b>.");
        }
        return html.append("</p>").toString();
    }

    private static String bar(Estimate estimate, long limitBytes) {
        long whole = Math.max(1, Math.max(estimate.upperBytes(), limitBytes));
        StringBuilder bar =
                new StringBuilder("<div style=\"width:100%;background:#e0e0e0;white-space:nowrap;height:14px\">");
        estimate.atPeak().forEach((kind, bytes) -> bar.append("<div title=\"")
                .append(label(kind))
                .append(' ')
                .append(Bytes.format(bytes))
                .append("\" style=\"display:inline-block;height:14px;width:")
                .append(String.format(java.util.Locale.ROOT, "%.2f", 100.0 * bytes / whole))
                .append("%;background:")
                .append(colour(kind))
                .append("\"></div>"));
        return bar.append("</div>").toString();
    }

    private static Map<String, Long> rows(Estimate estimate) {
        Map<String, Long> rows = new LinkedHashMap<>();
        estimate.atPeak().forEach((kind, bytes) -> rows.put(label(kind), bytes));
        rows.put("peak of live tensors", estimate.peakAllocatedBytes());
        rows.put(
                estimate.workload().device().equals("cpu")
                        ? "expected above the idle process"
                        : "expected on the device",
                estimate.deviceBytes());
        rows.put("upper bound", estimate.upperBytes());
        return rows;
    }

    private static String label(Kind kind) {
        return switch (kind) {
            case WEIGHTS -> "weights";
            case GRADIENTS -> "gradients";
            case OPTIMIZER -> "optimizer state";
            case INPUT -> "input and target";
            case ACTIVATIONS -> "activations";
            case TEMPORARY -> "temporaries";
        };
    }

    private static String colour(Kind kind) {
        return switch (kind) {
            case WEIGHTS -> "#4c78a8";
            case GRADIENTS -> "#72b7b2";
            case OPTIMIZER -> "#54a24b";
            case INPUT -> "#b279a2";
            case ACTIVATIONS -> "#f58518";
            case TEMPORARY -> "#e45756";
        };
    }
}

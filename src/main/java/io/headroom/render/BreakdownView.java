package io.headroom.render;

import io.headroom.budget.Breakdown;
import io.headroom.budget.Estimate;
import io.headroom.units.Bytes;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.Phase;
import java.util.List;
import java.util.Locale;

/** The peak of each phase, and what of the highest one each layer and operator holds: small tables, legible without colour. */
final class BreakdownView {
    private static final int ROWS = 8;
    private static final String NUMBER = "<td style=\"text-align:right;padding:1px 8px\">";
    private static final String NAME = "<td style=\"text-align:left;padding:1px 8px\">";
    private static final String HEAD = "<table style=\"margin:4px 0\"><thead><tr><th style=\"text-align:left\">";

    private BreakdownView() {}

    static String phases(Estimate estimate) {
        StringBuilder html =
                new StringBuilder(HEAD).append("phase</th><th>its peak</th><th>share</th></tr></thead><tbody>");
        estimate.peakByPhase().forEach((phase, bytes) -> {
            boolean highest = highest(estimate, phase);
            html.append("<tr>").append(NAME).append(bold(title(phase), highest)).append("</td>");
            html.append(NUMBER).append(bold(Bytes.format(bytes), highest)).append("</td>");
            html.append(NUMBER)
                    .append(bold(share(bytes, estimate) + (highest ? ", the peak" : ""), highest))
                    .append("</td></tr>");
        });
        return html.append("</tbody></table>").toString();
    }

    /** Both cuts side by side where there is room. */
    static String cuts(Estimate estimate) {
        Breakdown breakdown = estimate.breakdown();
        return "<div style=\"display:flex;flex-wrap:wrap;gap:0 3em\">"
                + table("layer", "layers", breakdown.byLayer(), estimate)
                + table("operator, in all layers", "operators", breakdown.byOperator(), estimate) + "</div>";
    }

    /** The same behind a line to click on, where nothing redraws it. */
    static String folded(Estimate estimate) {
        return "<details style=\"margin:6px 0\"><summary>Live at the peak, by layer and by operator</summary>"
                + cuts(estimate) + "</details>";
    }

    static String text(Estimate estimate) {
        StringBuilder text = new StringBuilder();
        text.append("  peak of each phase\n");
        estimate.peakByPhase().forEach((phase, bytes) -> text.append(row(title(phase), Bytes.format(bytes), "")));
        Breakdown breakdown = estimate.breakdown();
        lines(text, "layer", "layers", breakdown.byLayer());
        lines(text, "operator", "operators", breakdown.byOperator());
        return text.toString();
    }

    private static void lines(StringBuilder text, String what, String many, List<Breakdown.Part> parts) {
        text.append("  live at the peak, by ").append(what).append('\n');
        for (Breakdown.Part part : parts.subList(0, shown(parts))) {
            long activations = part.bytes(Kind.ACTIVATIONS);
            text.append(row(
                    part.name(),
                    Bytes.format(part.bytes()),
                    activations == 0 ? "" : "  activations " + Bytes.format(activations)));
        }
        if (shown(parts) < parts.size()) {
            text.append(row(rest(parts, many), Bytes.format(sum(parts, null)), ""));
        }
    }

    private static String row(String label, String size, String note) {
        return String.format(Locale.ROOT, "    %-29s %12s%s%n", label, size, note);
    }

    private static String table(String what, String many, List<Breakdown.Part> parts, Estimate estimate) {
        StringBuilder html = new StringBuilder(HEAD)
                .append(what)
                .append(
                        "</th><th>activations</th><th>temporaries</th><th>all at the peak</th><th>share</th></tr></thead><tbody>");
        for (Breakdown.Part part : parts.subList(0, shown(parts))) {
            row(
                    html,
                    Html.escape(part.name()),
                    part.bytes(Kind.ACTIVATIONS),
                    part.bytes(Kind.TEMPORARY),
                    part.bytes(),
                    estimate);
        }
        if (shown(parts) < parts.size()) {
            row(
                    html,
                    rest(parts, many),
                    sum(parts, Kind.ACTIVATIONS),
                    sum(parts, Kind.TEMPORARY),
                    sum(parts, null),
                    estimate);
        }
        return html.append("</tbody></table>").toString();
    }

    private static void row(
            StringBuilder html, String name, long activations, long temporaries, long all, Estimate estimate) {
        html.append("<tr>").append(NAME).append(name).append("</td>");
        for (long bytes : new long[] {activations, temporaries, all}) {
            html.append(NUMBER).append(bytes == 0 ? "–" : Bytes.format(bytes)).append("</td>");
        }
        html.append(NUMBER).append(share(all, estimate)).append("</td></tr>");
    }

    /** One row more than fit is shown rather than summed up. */
    private static int shown(List<Breakdown.Part> parts) {
        return parts.size() <= ROWS + 1 ? parts.size() : ROWS;
    }

    private static String rest(List<Breakdown.Part> parts, String many) {
        return (parts.size() - shown(parts)) + " more " + many;
    }

    private static long sum(List<Breakdown.Part> parts, Kind kind) {
        return parts.stream()
                .skip(shown(parts))
                .mapToLong(part -> kind == null ? part.bytes() : part.bytes(kind))
                .sum();
    }

    private static boolean highest(Estimate estimate, Phase phase) {
        return phase.title().equals(estimate.peakPhase());
    }

    private static String title(Phase phase) {
        return phase == Phase.LOAD ? "between steps" : phase.title();
    }

    private static String share(long bytes, Estimate estimate) {
        return Math.round(100.0 * bytes / Math.max(1, estimate.peakAllocatedBytes())) + " %";
    }

    private static String bold(String text, boolean on) {
        return on ? "<b>" + text + "</b>" : text;
    }
}

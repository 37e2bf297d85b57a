package io.headroom.widget;

import io.headroom.budget.Estimate;
import io.headroom.budget.Formula;
import io.headroom.budget.Verdict;
import io.headroom.render.Html;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.step.Kind;
import java.util.Locale;

/** An estimate beside a limit as HTML: verdict, stacked bar, legend, formula; legible without colour. */
final class BudgetView {
    private static final String MUTED = "color:var(--jp-ui-font-color2,#616161)";
    private static final String CELL = "<td style=\"text-align:right;padding:1px 8px\">";

    private final Estimate estimate;
    private final long limitBytes;
    private final String limitName;
    private final StringBuilder html = new StringBuilder(4096);

    private BudgetView(Estimate estimate, long limitBytes, String limitName) {
        this.estimate = estimate;
        this.limitBytes = limitBytes;
        this.limitName = limitName;
    }

    /** Without a limit where {@code limitBytes} is {@code Long.MAX_VALUE}. */
    static String html(Estimate estimate, long limitBytes, String limitName) {
        BudgetView view = new BudgetView(estimate, limitBytes, limitName);
        view.html.append("<div style=\"line-height:1.45\">");
        view.verdict();
        view.bar();
        view.html.append("<div style=\"display:flex;flex-wrap:wrap;gap:0 3em\"><div>");
        view.legend();
        view.html.append("</div><div>");
        view.formula();
        return view.html.append("</div></div></div>").toString();
    }

    /** The verdict in one line of text. */
    static String line(Estimate estimate, long limitBytes, String limitName) {
        String need =
                "needs " + Bytes.format(estimate.deviceBytes()) + ", at most " + Bytes.format(estimate.upperBytes());
        if (limitBytes == Long.MAX_VALUE) {
            return need + "; no limit is known here";
        }
        Verdict verdict = Verdict.of(estimate, limitBytes);
        String room = limitName + " " + Bytes.format(limitBytes);
        return switch (verdict) {
            case FITS ->
                verdict + ": " + need + "; " + room + ", " + Bytes.format(limitBytes - estimate.upperBytes())
                        + " to spare";
            case FITS_BARELY -> verdict + ": " + need + "; " + room;
            case DOES_NOT_FIT ->
                verdict + ": " + need + "; " + room + ", " + Bytes.format(estimate.deviceBytes() - limitBytes)
                        + " short";
        };
    }

    private void verdict() {
        String sign = "";
        String colour = "#7f7f7f";
        if (limitBytes != Long.MAX_VALUE) {
            Verdict verdict = Verdict.of(estimate, limitBytes);
            sign = switch (verdict) {
                case FITS -> "✓ ";
                case FITS_BARELY -> "△ ";
                case DOES_NOT_FIT -> "✗ ";
            };
            colour = switch (verdict) {
                case FITS -> "#2ca02c";
                case FITS_BARELY -> "#ff9d00";
                case DOES_NOT_FIT -> "#e5484d";
            };
        }
        html.append("<div role=\"status\" aria-live=\"polite\" style=\"border-left:6px solid ")
                .append(colour)
                .append(";padding:2px 8px;margin:6px 0;font-weight:600\">")
                .append(sign)
                .append(Html.escape(line(estimate, limitBytes, limitName)))
                .append("</div>");
    }

    private void bar() {
        boolean limited = limitBytes != Long.MAX_VALUE;
        double whole = Math.max(1.0, Math.max(estimate.upperBytes(), limited ? limitBytes : 0)) * 1.04;
        html.append("<div role=\"img\" aria-label=\"")
                .append(Html.escape(line(estimate, limitBytes, limitName)))
                .append("\" style=\"position:relative;height:26px;margin:4px 0;overflow:hidden;border:1px solid "
                        + "var(--jp-border-color1,#bdbdbd);background:var(--jp-layout-color2,#eeeeee)\">");
        double left = 0;
        for (var part : estimate.atPeak().entrySet()) {
            double width = 100 * part.getValue() / whole;
            segment(
                    left,
                    width,
                    colour(part.getKey()),
                    letter(part.getKey()),
                    label(part.getKey()) + " " + Bytes.format(part.getValue()));
            left += width;
        }
        double device = 100 * estimate.deviceBytes() / whole;
        segment(
                left,
                device - left,
                "#999999",
                "",
                "pages and process "
                        + Bytes.format(Math.max(0, estimate.deviceBytes() - estimate.peakAllocatedBytes())));
        segment(
                Math.max(left, device),
                100 * estimate.upperBytes() / whole - Math.max(left, device),
                "repeating-linear-gradient(45deg,#999 0 2px,transparent 2px 6px)",
                "",
                "up to the upper bound " + Bytes.format(estimate.upperBytes()));
        if (limited) {
            html.append(String.format(
                    Locale.ROOT,
                    "<div title=\"%s\" style=\"position:absolute;top:0;bottom:0;left:%.2f%%;width:3px;"
                            + "background:var(--jp-ui-font-color1,#212121)\"></div>",
                    Html.escape(limitName + " " + Bytes.format(limitBytes)),
                    100 * limitBytes / whole));
        }
        html.append("</div>");
        if (limited) {
            double at = 100 * limitBytes / whole;
            html.append(String.format(
                    Locale.ROOT,
                    "<div style=\"position:relative;height:1.4em;%s\"><span style=\"position:absolute;%s:%.2f%%\">%s"
                            + "</span></div>",
                    MUTED,
                    at > 50 ? "right" : "left",
                    at > 50 ? 100 - at : at,
                    (at > 50 ? "" : "↑ ") + Html.escape(limitName) + " " + Bytes.format(limitBytes)
                            + (at > 50 ? " ↑" : "")));
        }
    }

    private void segment(double left, double width, String background, String letter, String title) {
        if (width <= 0) {
            return;
        }
        html.append(String.format(
                Locale.ROOT,
                "<div title=\"%s\" style=\"position:absolute;top:0;bottom:0;left:%.3f%%;width:%.3f%%;background:%s;"
                        + "color:#111;text-align:center;line-height:26px;overflow:hidden;font-weight:600\">%s</div>",
                Html.escape(title),
                left,
                width,
                background,
                width > 2 ? letter : ""));
    }

    private void legend() {
        html.append("<table style=\"margin:4px 0\"><thead><tr><th></th><th style=\"text-align:left\">at the peak</th>"
                + "<th>bytes</th><th>share</th></tr></thead><tbody>");
        estimate.atPeak().forEach((kind, bytes) -> html.append("<tr><td><span style=\"display:inline-block;width:1.4em;"
                        + "text-align:center;font-weight:600;color:#111;background:")
                .append(colour(kind))
                .append("\">")
                .append(letter(kind))
                .append("</span></td><td style=\"text-align:left\">")
                .append(label(kind))
                .append("</td>" + CELL)
                .append(Bytes.format(bytes))
                .append("</td>" + CELL)
                .append(Math.round(100.0 * bytes / Math.max(1, estimate.peakAllocatedBytes())))
                .append(" %</td></tr>"));
        html.append("</tbody></table><div>Peak in the ")
                .append(Html.escape(estimate.peakPhase()))
                .append(", at <b>")
                .append(Html.escape(estimate.peakOperator()))
                .append("</b>. ")
                .append(String.format(Locale.ROOT, "%,d", estimate.parameters()))
                .append(" parameters.</div>");
    }

    private void formula() {
        if (estimate.workload().architecture() != Architecture.TRANSFORMER) {
            return;
        }
        Formula formula = Formula.of(estimate);
        html.append("<table style=\"margin:6px 0\"><thead><tr><th style=\"text-align:left\">by hand</th><th></th>"
                + "<th>bytes</th></tr></thead><tbody>");
        for (Formula.Line line : formula.byHand()) {
            html.append("<tr><td style=\"text-align:left\">")
                    .append(Html.escape(line.item()))
                    .append("</td><td style=\"text-align:left\">")
                    .append(Html.escape(line.expression()))
                    .append("</td>" + CELL)
                    .append(Bytes.format(line.bytes()))
                    .append("</td></tr>");
        }
        html.append("</tbody></table><div style=\"" + MUTED + "\">")
                .append(String.format(
                        Locale.ROOT,
                        "The real step needs %.1f times the hand arithmetic.",
                        (double) formula.realBytes() / Math.max(1, formula.byHandBytes())))
                .append("</div>");
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

    private static String letter(Kind kind) {
        return label(kind).substring(0, 1).toUpperCase(Locale.ROOT);
    }

    /** Okabe and Ito's palette, told apart by the colour-blind too. */
    private static String colour(Kind kind) {
        return switch (kind) {
            case WEIGHTS -> "#56b4e9";
            case GRADIENTS -> "#009e73";
            case OPTIMIZER -> "#f0e442";
            case INPUT -> "#cc79a7";
            case ACTIVATIONS -> "#e69f00";
            case TEMPORARY -> "#d55e00";
        };
    }
}

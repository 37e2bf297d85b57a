package io.headroom.render;

import io.headroom.budget.Verdict;
import io.headroom.budget.cuda.CudaEstimate;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.units.Bytes;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Whether a published model's step fits on a card: verdict, what the peak is made of beside the card, when it is, and what each
 * change does; static HTML that survives JupyterLab's sanitizer and is legible without colour.
 */
public final class CudaFitView {
    private static final int WIDTH = 240;
    private static final String BARELY = Verdict.FITS_BARELY.toString();
    private static final String CARD = "var(--jp-ui-font-color1,#212121)";

    private CudaFitView() {}

    /** The view; as text the fit's own table. */
    public static Bundle of(CudaFit fit) {
        return Bundle.text(fit.toString()).html(html(fit));
    }

    private static String html(CudaFit fit) {
        CudaEstimate estimate = fit.estimate();
        double whole = 1.02 * Math.max(fit.cardBytes(), Bytes.plus(estimate.upperBytes(), CudaFit.CONTEXT_BYTES));
        StringBuilder html = new StringBuilder("<div style=\"line-height:1.45\"><div><code>")
                .append(Html.escape(title(fit)))
                .append("</code></div>");
        verdict(fit, html);
        bar(fit, whole, html);
        html.append("<div style=\"display:flex;flex-wrap:wrap;gap:0 3em\"><div>");
        parts(fit, html);
        html.append("</div><div>");
        phases(fit, html);
        html.append("</div></div>");
        changes(fit, html);
        return html.append("</div>").toString();
    }

    private static String title(CudaFit fit) {
        var step = fit.step();
        String size = step.model().language() != null ? "seq " + step.seq() : "image " + step.image();
        return step.model().name() + " · " + step.optimizer() + " · batch " + step.batch() + " · " + size + " · "
                + (step.autocast() == null ? step.precision() : "autocast " + step.autocast())
                + (step.loraRank() > 0 ? " · LoRA rank " + step.loraRank() : "")
                + (step.newTokens() > 0 ? " · " + step.newTokens() + " new tokens" : "")
                + (step.segments() > 0 ? " · checkpointing" : "");
    }

    private static void verdict(CudaFit fit, StringBuilder html) {
        String verdict = fit.verdict();
        long need = Bytes.plus(fit.estimate().deviceBytes(), CudaFit.CONTEXT_BYTES);
        long most = Bytes.plus(fit.estimate().upperBytes(), CudaFit.CONTEXT_BYTES);
        String sign = verdict.equals("fits") ? "✓" : verdict.equals(BARELY) ? "△" : "✗";
        String colour = verdict.equals("fits") ? "#2ca02c" : verdict.equals(BARELY) ? "#ff9d00" : "#e5484d";
        html.append("<div role=\"status\" style=\"border-left:6px solid ")
                .append(colour)
                .append(";padding:2px 8px;margin:6px 0;font-weight:600\">")
                .append(Html.escape(sign + " " + verdict + ": needs " + Bytes.format(need) + ", at most "
                        + Bytes.format(most) + ", of " + Bytes.format(fit.cardBytes())
                        + (most <= fit.cardBytes()
                                ? "; " + Bytes.format(fit.cardBytes() - most) + " to spare"
                                : need > fit.cardBytes()
                                        ? "; " + Bytes.format(need - fit.cardBytes()) + " short"
                                        : "")))
                .append("</div>");
    }

    /** What is on the card at the peak, in the order of the bar. */
    private static Map<String, Long> shares(CudaFit fit) {
        CudaEstimate estimate = fit.estimate();
        Map<String, Long> shares = new LinkedHashMap<>();
        shares.put("weights", estimate.weightsBytes());
        shares.put("gradients", estimate.gradientsBytes());
        shares.put("optimizer state", estimate.optimizerBytes());
        shares.put("activations", estimate.activationsBytes());
        long tensors = estimate.weightsBytes()
                + estimate.gradientsBytes()
                + estimate.optimizerBytes()
                + estimate.activationsBytes();
        shares.put("reserved, not in use", Math.max(0, estimate.peakReservedBytes() - tensors));
        shares.put(
                "context and kernels", estimate.deviceBytes() - estimate.peakReservedBytes() + CudaFit.CONTEXT_BYTES);
        return shares;
    }

    private static String colour(String share) {
        return switch (share) {
            case "weights" -> "#56b4e9";
            case "gradients" -> "#009e73";
            case "optimizer state" -> "#f0e442";
            case "activations" -> "#e69f00";
            case "reserved, not in use" -> "#cc79a7";
            default -> "#999999";
        };
    }

    private static String letter(String share) {
        return share.substring(0, 1).toUpperCase(Locale.ROOT);
    }

    private static void bar(CudaFit fit, double whole, StringBuilder html) {
        html.append(
                "<div role=\"img\" aria-label=\"what the peak is made of, beside the card\" style=\"position:relative;"
                        + "height:26px;margin:4px 0;overflow:hidden;border:1px solid var(--jp-border-color1,#bdbdbd);"
                        + "background:var(--jp-layout-color2,#eeeeee)\">");
        double left = 0;
        for (var share : shares(fit).entrySet()) {
            double width = 100 * share.getValue() / whole;
            block(left, width, colour(share.getKey()), letter(share.getKey()), share.getKey(), share.getValue(), html);
            left += width;
        }
        double upper = 100 * (fit.estimate().upperBytes() + (double) CudaFit.CONTEXT_BYTES) / whole;
        block(
                left,
                upper - left,
                "repeating-linear-gradient(45deg,#999 0 2px,transparent 2px 6px)",
                "",
                "up to the upper bound",
                fit.estimate().upperBytes(),
                html);
        html.append(String.format(
                Locale.ROOT,
                "<div title=\"card %s\" style=\"position:absolute;top:0;bottom:0;left:%.2f%%;width:3px;background:%s\">"
                        + "</div></div><div style=\"color:var(--jp-ui-font-color2,#616161)\">The upright line is the card;"
                        + " hatched: up to the upper bound.</div>",
                Bytes.format(fit.cardBytes()),
                100 * fit.cardBytes() / whole,
                CARD));
    }

    private static void block(
            double left, double width, String background, String letter, String name, long bytes, StringBuilder html) {
        if (width > 0) {
            html.append(String.format(
                    Locale.ROOT,
                    "<div title=\"%s %s\" style=\"position:absolute;top:0;bottom:0;left:%.3f%%;width:%.3f%%;background:%s;"
                            + "color:#111;text-align:center;line-height:26px;overflow:hidden;font-weight:600\">%s</div>",
                    Html.escape(name),
                    Bytes.format(bytes),
                    left,
                    width,
                    background,
                    width > 2 ? letter : ""));
        }
    }

    private static void parts(CudaFit fit, StringBuilder html) {
        html.append("<table style=\"margin:4px 0\"><thead><tr><th></th><th style=\"text-align:left\">at the peak</th>"
                + "<th>bytes</th></tr></thead><tbody>");
        shares(fit).forEach((share, bytes) -> html.append("<tr><td><span style=\"display:inline-block;width:1.4em;"
                        + "text-align:center;font-weight:600;color:#111;background:")
                .append(colour(share))
                .append("\">")
                .append(letter(share))
                .append("</span></td>")
                .append(left(share))
                .append(right(Bytes.format(bytes)))
                .append("</tr>"));
        html.append("</tbody></table><div>Peak in ")
                .append(Html.escape(fit.estimate().peakPhase()))
                .append(", at <b>")
                .append(Html.escape(fit.estimate().peakOperator()))
                .append("</b>.</div>");
    }

    /** The first two steps: later ones repeat the second. */
    private static void phases(CudaFit fit, StringBuilder html) {
        long most = Math.max(1, fit.estimate().peakAllocatedBytes());
        html.append(
                "<table style=\"margin:4px 0\"><thead><tr><th style=\"text-align:left\">phase</th><th>most bytes</th>"
                        + "<th></th></tr></thead><tbody>");
        fit.timeline().entrySet().stream()
                .filter(phase -> !phase.getKey().matches(".* ([3-9]|\\d\\d+)"))
                .forEach(phase -> html.append("<tr>")
                        .append(left(phase.getKey()))
                        .append(right(Bytes.format(phase.getValue())))
                        .append(gauge(phase.getValue(), most, WIDTH))
                        .append("</tr>"));
        html.append("</tbody></table>");
    }

    private static void changes(CudaFit fit, StringBuilder html) {
        long most = Math.max(1, fit.estimate().upperBytes());
        html.append("<table style=\"margin:4px 0\"><thead><tr><th style=\"text-align:left\">change</th><th>needs</th>"
                + "<th>saves</th><th style=\"text-align:left\">then it</th><th style=\"text-align:left\">costs</th><th></th>"
                + "<th style=\"text-align:left\">in Python</th></tr></thead><tbody>");
        for (CudaFit.Change change : fit.changes()) {
            html.append("<tr>")
                    .append(left(change.name()))
                    .append(right(Bytes.format(change.estimate().deviceBytes())))
                    .append(right(Bytes.format(change.savedBytes())))
                    .append(left(fit.verdict(change)))
                    .append(left(change.cost()))
                    .append(gauge(change.estimate().deviceBytes(), most, WIDTH / 3))
                    .append("<td style=\"text-align:left\"><code>")
                    .append(Html.escape(change.code()))
                    .append("</code></td></tr>");
        }
        html.append("</tbody></table><div>").append(Html.escape(fit.advice())).append("</div>");
    }

    private static String gauge(long bytes, long most, int widest) {
        long width = Math.max(1, (long) (widest * ((double) bytes / most)));
        return "<td style=\"text-align:left\"><div style=\"background-color:#9ecae1;height:12px;width:" + width
                + "px\"></div></td>";
    }

    private static String left(String content) {
        return "<td style=\"text-align:left\">" + Html.escape(content) + "</td>";
    }

    private static String right(String content) {
        return "<td style=\"text-align:right;white-space:nowrap\">" + Html.escape(content) + "</td>";
    }
}

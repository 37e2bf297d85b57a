package io.headroom.render;

import io.headroom.budget.Device;
import io.headroom.budget.Estimate;
import io.headroom.budget.Formula;
import io.headroom.budget.Malloc;
import io.headroom.budget.Verdict;
import io.headroom.units.Bytes;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import io.headroom.workload.step.Kind;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * An estimate beside a limit: verdict, stacked bar, table, formula; legible without colour, and static HTML that survives
 * JupyterLab's sanitizer.
 */
public final class EstimateView {
    private static final long NONE = -1;
    private static final String MUTED = "color:var(--jp-ui-font-color2,#616161)";
    private static final String CELL = "<td style=\"text-align:right;padding:1px 8px\">";

    private static final String KEPT = "DJL keeps every layer's results until the manager of the forward pass closes;"
            + " PyTorch frees them as it goes.";

    private final Estimate estimate;
    private final long limitBytes;
    private final String limitName;
    private final StringBuilder html = new StringBuilder(4096);

    private EstimateView(Estimate estimate, long limitBytes, String limitName) {
        this.estimate = estimate;
        this.limitBytes = limitBytes;
        this.limitName = limitName;
    }

    /** Beside what is usable of the device that the workload names; on the CPU without a limit to compare with. */
    public static Bundle of(Estimate estimate) {
        Device device = Device.named(estimate.workload().device());
        return device.usableBytes() == Long.MAX_VALUE
                ? of(estimate, NONE, "limit", false)
                : of(estimate, device.usableBytes(), device.name(), false);
    }

    /** Beside a limit in bytes; 0 for none but the device's own. */
    public static Bundle of(Estimate estimate, long limitBytes) {
        return limitBytes == 0 ? of(estimate) : of(estimate, limitBytes, "limit", false);
    }

    /** The same with the attention arithmetic, where there is attention. */
    public static Bundle withFormula(Estimate estimate, long limitBytes, String limitName) {
        return of(estimate, limitBytes, limitName, true);
    }

    private static Bundle of(Estimate estimate, long limitBytes, String limitName, boolean formula) {
        return Bundle.text(text(estimate, limitBytes, limitName))
                .html("<div><code>" + Html.escape(estimate.workload().toString()) + "</code></div>"
                        + html(estimate, limitBytes, limitName, formula) + BreakdownView.folded(estimate));
    }

    /**
     * What moves under the sliders: all but the workload's own line.
     *
     * @param limitBytes negative where none is asked for, {@code Long.MAX_VALUE} where none is known
     */
    public static String html(Estimate estimate, long limitBytes, String limitName, boolean formula) {
        EstimateView view = new EstimateView(estimate, limitBytes, limitName);
        view.html.append("<div style=\"line-height:1.45\">");
        view.verdict();
        view.bar();
        view.html.append("<div style=\"display:flex;flex-wrap:wrap;gap:0 3em\"><div>");
        view.legend();
        view.html.append("</div><div>").append(BreakdownView.phases(estimate)).append("</div><div>");
        if (formula && estimate.workload().has(Option.HEADS)) {
            view.html.append(FormulaView.html(Formula.of(estimate)));
        }
        view.html.append("</div></div>");
        view.html
                .append("<div style=\"font-size:12px;" + MUTED + "\">")
                .append(Html.escape(bound(estimate)))
                .append("</div>");
        return view.html.append("</div>").toString();
    }

    /** What of the peak each layer and each operator holds, as two tables. */
    public static String layersAndOperators(Estimate estimate) {
        return BreakdownView.cuts(estimate);
    }

    private static String text(Estimate estimate, long limitBytes, String limitName) {
        StringBuilder text = new StringBuilder(estimate.workload().toString()).append('\n');
        estimate.atPeak().forEach((kind, bytes) -> text.append(row(label(kind, estimate), bytes)));
        sums(estimate).forEach((label, bytes) -> text.append(row(label, bytes)));
        text.append("  peak in the ")
                .append(estimate.peakPhase())
                .append(" at ")
                .append(estimate.peakOperator())
                .append('\n')
                .append(BreakdownView.text(estimate).stripTrailing());
        if (limitBytes >= 0) {
            text.append("\n  ").append(line(estimate, limitBytes, limitName));
        }
        text.append("\n  ").append(bound(estimate));
        return estimate.workload().isInference()
                ? text.append("\n  ").append(KEPT).toString()
                : text.toString();
    }

    /** The verdict for the CPU of another process, whose malloc is as it comes, as a line; empty for other devices. */
    public static String whereMallocIsAsItComes(Workload workload, long limitBytes) {
        Estimate there = Estimate.of(workload, Malloc.AS_IT_COMES);
        return there.missRate().isEmpty()
                ? ""
                : "With malloc as it comes: " + line(there, limitBytes == 0 ? NONE : limitBytes, "limit") + "\n  "
                        + bound(there);
    }

    /** How far above the estimate the bound is, and how it did. */
    private static String bound(Estimate estimate) {
        String above = "The upper bound is " + estimate.boundPercent() + " % and 8 MiB above the estimate";
        if (estimate.missRate().isEmpty()) {
            return above + "; no step was measured on such a device.";
        }
        String missed =
                "it was exceeded by " + estimate.missRate().get() + " measured steps that nothing was tuned on.";
        return switch (estimate.malloc()) {
            case THRESHOLDS_FIXED -> above + ", for malloc's thresholds fixed; " + missed;
            case AS_IT_COMES ->
                above + ", since malloc as it comes keeps freed blocks; " + missed
                        + " In the kernel \"CPU malloc returns memory\" it is closer.";
        };
    }

    private static String row(String label, long bytes) {
        return String.format("  %-31s %12s%n", label, Bytes.format(bytes));
    }

    private static Map<String, Long> sums(Estimate estimate) {
        Map<String, Long> sums = new LinkedHashMap<>();
        sums.put("peak of live tensors", estimate.peakAllocatedBytes());
        beside(estimate).forEach(sums::put);
        sums.put(
                estimate.workload().device().equals("cpu")
                        ? "expected above the idle process"
                        : "expected above the idle device",
                estimate.deviceBytes());
        sums.put("upper bound", estimate.upperBytes());
        return sums;
    }

    /** What comes on top of the tensors. */
    private static Map<String, Long> beside(Estimate estimate) {
        Map<String, Long> parts = new LinkedHashMap<>();
        boolean cpu = estimate.workload().device().equals("cpu");
        parts.put(
                cpu ? "whole pages" : "rest of segments", estimate.peakReservedBytes() - estimate.peakAllocatedBytes());
        parts.put("process beside tensors", estimate.deviceBytes() - estimate.peakReservedBytes());
        parts.values().removeIf(bytes -> bytes <= 0);
        return parts;
    }

    private static String line(Estimate estimate, long limitBytes, String limitName) {
        String need =
                "needs " + Bytes.format(estimate.deviceBytes()) + ", at most " + Bytes.format(estimate.upperBytes());
        if (limitBytes < 0) {
            return need;
        }
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

    private boolean limited() {
        return limitBytes >= 0 && limitBytes != Long.MAX_VALUE;
    }

    private void verdict() {
        String sign = "";
        String colour = "#7f7f7f";
        if (limited()) {
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
        html.append("<div class=\"headroom-verdict\" style=\"border-left:6px solid ")
                .append(colour)
                .append(";padding:2px 8px;margin:6px 0;font-weight:600\">")
                .append(sign)
                .append(Html.escape(line(estimate, limitBytes, limitName)))
                .append("</div>");
    }

    private void bar() {
        double whole = Math.max(1.0, Math.max(estimate.upperBytes(), limited() ? limitBytes : 0)) * 1.04;
        html.append("<div role=\"img\" aria-label=\"")
                .append(Html.escape(described()))
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
        for (var part : beside(estimate).entrySet()) {
            double width = 100 * part.getValue() / whole;
            segment(left, width, "#999999", "", part.getKey() + " " + Bytes.format(part.getValue()));
            left += width;
        }
        double device = 100 * estimate.deviceBytes() / whole;
        segment(
                Math.max(left, device),
                100 * estimate.upperBytes() / whole - Math.max(left, device),
                "repeating-linear-gradient(45deg,#999 0 2px,transparent 2px 6px)",
                "",
                "up to the upper bound " + Bytes.format(estimate.upperBytes()));
        if (limited()) {
            html.append(String.format(
                    Locale.ROOT,
                    "<div title=\"%s\" style=\"position:absolute;top:0;bottom:0;left:%.2f%%;width:3px;"
                            + "background:var(--jp-ui-font-color1,#212121)\"></div>",
                    Html.escape(limitName + " " + Bytes.format(limitBytes)),
                    100 * limitBytes / whole));
        }
        html.append("</div>");
        if (limited()) {
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

    /** The bar in words. */
    private String described() {
        String parts = estimate.atPeak().entrySet().stream()
                .map(part -> label(part.getKey()) + " " + Bytes.format(part.getValue()))
                .collect(Collectors.joining(", "));
        for (var part : beside(estimate).entrySet()) {
            parts += ", " + part.getKey() + " " + Bytes.format(part.getValue());
        }
        return "bar of the peak: " + parts + "; upper bound " + Bytes.format(estimate.upperBytes())
                + (limited() ? "; " + limitName + " " + Bytes.format(limitBytes) : "");
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
                .append(label(kind, estimate))
                .append("</td>" + CELL)
                .append(Bytes.format(bytes))
                .append("</td>" + CELL)
                .append(Math.round(100.0 * bytes / Math.max(1, estimate.peakAllocatedBytes())))
                .append(" %</td></tr>"));
        sums(estimate).forEach((label, bytes) -> html.append("<tr><td></td><td style=\"text-align:left\">")
                .append(label)
                .append("</td>" + CELL)
                .append(Bytes.format(bytes))
                .append("</td><td></td></tr>"));
        html.append("</tbody></table><div>Peak in the ")
                .append(Html.escape(estimate.peakPhase()))
                .append(", at <b>")
                .append(Html.escape(estimate.peakOperator()))
                .append("</b>. ")
                .append(String.format(Locale.ROOT, "%,d", estimate.parameters()))
                .append(" parameters.</div>");
        if (estimate.workload().isInference()) {
            html.append("<div style=\"opacity:.75\">").append(KEPT).append("</div>");
        }
    }

    private static String label(Kind kind, Estimate estimate) {
        return kind == Kind.INPUT && estimate.kvCacheBytes() > 0 ? "KV cache and input" : label(kind);
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

package io.headroom.render;

import io.headroom.diagnosis.Advice;
import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.WontHelp;
import io.headroom.oom.NearMiss;
import io.headroom.oom.OutOfMemory;
import io.headroom.units.Bytes;
import java.util.List;

/**
 * The card that explains a failure: what happened, a picture of the memory, the cause with its evidence, what to do and
 * what will not help.
 *
 * <p>HTML without script, style element or svg, so that it survives JupyterLab's sanitizer; colours are translucent or
 * inherited and every part is named, so that it reads on dark themes and without colours. All text of the message is
 * escaped.
 *
 * <pre>{@code
 * kernel.display(DiagnosisCard.of(diagnosis));
 * }</pre>
 */
public final class DiagnosisCard {
    private static final String CARD =
            "border-left:4px solid #d0453b;padding:6px 14px;margin:4px 0;font-size:13px;line-height:1.45";
    private static final String HEAD = "font-weight:bold;margin:8px 0 2px 0";

    /** Rows of the table before the rest is folded away. */
    private static final int FIRST = 6;

    private DiagnosisCard() {}

    /** The card of a diagnosis. */
    public static Bundle of(Diagnosis diagnosis) {
        return Bundle.text(DiagnosisText.of(diagnosis)).html(html(diagnosis));
    }

    /** The card of a text that is no memory error. */
    public static Bundle notThis(List<NearMiss> nearMisses) {
        StringBuilder text = new StringBuilder("No out-of-memory error.");
        StringBuilder html = new StringBuilder("<div style=\"padding:6px 14px\">No out-of-memory error.");
        for (NearMiss near : nearMisses) {
            text.append("\n  ").append(near.what()).append("\n    ").append(near.excerpt());
            html.append("<div>")
                    .append(Html.escape(near.what()))
                    .append("<br><code>")
                    .append(Html.escape(near.excerpt()));
            html.append("</code></div>");
        }
        return Bundle.text(text.toString()).html(html.append("</div>").toString());
    }

    private static String html(Diagnosis diagnosis) {
        StringBuilder out = new StringBuilder(4096);
        out.append("<div style=\"").append(CARD).append("\">");
        out.append("<div style=\"font-size:15px;font-weight:bold\">Out of memory</div>");
        out.append("<div>").append(Html.escape(diagnosis.what())).append("</div>");
        MemoryPicture.of(diagnosis).ifPresent(picture -> out.append(picture.html()));
        cause(diagnosis, out);
        remedies(diagnosis.remedies(), out);
        wontHelp(diagnosis.wontHelp(), out);
        list("Not sure enough? Measure next", diagnosis.measureNext(), out);
        list(
                "Later in the same text",
                diagnosis.others().stream().map(DiagnosisText::line).toList(),
                out);
        message(diagnosis.failure(), out);
        return out.append("</div>").toString();
    }

    private static void cause(Diagnosis diagnosis, StringBuilder out) {
        out.append("<div style=\"").append(HEAD).append("\">Cause: ");
        out.append(Html.escape(diagnosis.cause().label())).append(" <span style=\"font-weight:normal\">(");
        out.append(Html.escape(diagnosis.confidenceInWords())).append(")</span></div>");
        items(diagnosis.evidence(), out);
        items(diagnosis.implied(), out);
    }

    private static void remedies(List<Advice> remedies, StringBuilder out) {
        if (remedies.isEmpty()) {
            return;
        }
        out.append("<div style=\"")
                .append(HEAD)
                .append("\">")
                .append(DiagnosisText.title(remedies))
                .append("</div>");
        table(remedies.subList(0, Math.min(FIRST, remedies.size())), out);
        if (remedies.size() > FIRST) {
            out.append("<details><summary>").append(remedies.size() - FIRST).append(" more</summary>");
            table(remedies.subList(FIRST, remedies.size()), out);
            out.append("</details>");
        }
    }

    private static void table(List<Advice> remedies, StringBuilder out) {
        out.append("<table style=\"text-align:left;width:100%\"><thead><tr>");
        for (String column : List.of("remedy", "saves", "how", "cost")) {
            out.append("<th style=\"text-align:left\">").append(column).append("</th>");
        }
        out.append("</tr></thead><tbody>");
        for (Advice advice : remedies) {
            out.append("<tr>");
            cell("min-width:120px", Html.escape(advice.name()), out);
            cell("min-width:110px", saving(advice), out);
            cell(
                    "",
                    "<code style=\"white-space:pre-wrap;overflow-wrap:anywhere\">" + Html.escape(advice.how())
                            + "</code>",
                    out);
            cell("min-width:150px", Html.escape(advice.cost()), out);
            out.append("</tr>");
        }
        out.append("</tbody></table>");
    }

    /** The bytes, and in small what they rest on. */
    private static String saving(Advice advice) {
        if (advice.saves().isEmpty()) {
            return "<span style=\"opacity:0.7\">not told by the message</span>";
        }
        return "<b>" + Bytes.format(advice.saves().getAsLong()) + "</b><div style=\"font-size:11px;opacity:0.7\">"
                + Html.escape(advice.basis()) + "</div>";
    }

    private static void cell(String style, String html, StringBuilder out) {
        out.append("<td style=\"text-align:left;vertical-align:top;" + style + "\">")
                .append(html)
                .append("</td>");
    }

    private static void wontHelp(List<WontHelp> wontHelp, StringBuilder out) {
        list(
                "Won't help",
                wontHelp.stream()
                        .map(each -> each.name() + ", because " + each.because())
                        .toList(),
                out);
    }

    private static void list(String title, List<String> lines, StringBuilder out) {
        if (!lines.isEmpty()) {
            out.append("<div style=\"").append(HEAD).append("\">").append(title).append("</div>");
            items(lines, out);
        }
    }

    private static void items(List<String> lines, StringBuilder out) {
        if (!lines.isEmpty()) {
            out.append("<ul style=\"margin:0;padding-left:20px\">");
            lines.forEach(line -> out.append("<li>").append(Html.escape(line)).append("</li>"));
            out.append("</ul>");
        }
    }

    private static void message(OutOfMemory failure, StringBuilder out) {
        out.append(
                "<details style=\"margin-top:8px\"><summary>the message, as read</summary><pre style=\"white-space:pre-wrap;overflow-wrap:anywhere\">");
        out.append(Html.escape(failure.excerpt())).append("</pre></details>");
    }
}

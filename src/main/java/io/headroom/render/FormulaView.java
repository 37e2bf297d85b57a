package io.headroom.render;

import io.headroom.budget.Formula;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;

/** The hand arithmetic and, beside it, what a real step holds. */
public final class FormulaView {
    private FormulaView() {}

    /** Text and HTML of a formula. */
    public static Bundle of(Formula formula) {
        StringBuilder text = new StringBuilder("By hand\n");
        StringBuilder html =
                new StringBuilder("<table><thead><tr><th>by hand</th><th></th><th>bytes</th></tr></thead><tbody>");
        lines(formula.byHand(), text, html);
        text.append("A real step\n");
        html.append("<tr><th>a real step</th><th></th><th>bytes</th></tr>");
        lines(formula.real(), text, html);
        String times = String.format(
                Locale.ROOT,
                "The real step needs %.1f times the hand arithmetic: linear in batch × nodes, quadratic in seq.",
                (double) formula.realBytes() / Math.max(1, formula.byHandBytes()));
        return Bundle.text(text.append(times).toString())
                .html(html.append("</tbody></table><p>")
                        .append(times)
                        .append("</p>")
                        .toString());
    }

    private static void lines(List<Formula.Line> lines, StringBuilder text, StringBuilder html) {
        for (Formula.Line line : lines) {
            text.append(
                    String.format("  %-40s %-42s %14s%n", line.item(), line.expression(), Bytes.format(line.bytes())));
            html.append("<tr><td>")
                    .append(Html.escape(line.item()))
                    .append("</td><td>")
                    .append(Html.escape(line.expression()))
                    .append("</td><td>")
                    .append(Bytes.format(line.bytes()))
                    .append("</td></tr>");
        }
    }
}

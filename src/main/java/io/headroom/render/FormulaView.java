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
        return Bundle.text(
                        "By hand\n" + text(formula.byHand()) + "A real step\n" + text(formula.real()) + times(formula))
                .html(html(formula));
    }

    static String html(Formula formula) {
        return "<table style=\"margin:4px 0\"><thead><tr>" + left("th", "by hand")
                + "<th></th><th>bytes</th></tr></thead><tbody>"
                + rows(formula.byHand())
                + "<tr>" + left("th", "a real step") + "<th></th><th></th></tr>"
                + rows(formula.real())
                + "</tbody></table><p>" + times(formula) + "</p>";
    }

    private static String times(Formula formula) {
        return String.format(
                Locale.ROOT,
                "The real step needs %.1f times the hand arithmetic: linear in batch × nodes, quadratic in seq.",
                (double) formula.realBytes() / Math.max(1, formula.byHandBytes()));
    }

    private static String text(List<Formula.Line> lines) {
        StringBuilder text = new StringBuilder();
        for (Formula.Line line : lines) {
            text.append(
                    String.format("  %-40s %-42s %14s%n", line.item(), line.expression(), Bytes.format(line.bytes())));
        }
        return text.toString();
    }

    private static String rows(List<Formula.Line> lines) {
        StringBuilder rows = new StringBuilder();
        for (Formula.Line line : lines) {
            rows.append("<tr>")
                    .append(left("td", line.item()))
                    .append(left("td", line.expression()))
                    .append("<td style=\"text-align:right\">")
                    .append(Bytes.format(line.bytes()))
                    .append("</td></tr>");
        }
        return rows.toString();
    }

    private static String left(String cell, String content) {
        return "<" + cell + " style=\"text-align:left\">" + Html.escape(content) + "</" + cell + ">";
    }
}

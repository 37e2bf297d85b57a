package io.headroom.render;

import io.headroom.budget.Formula;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;

/** The hand arithmetic and, beside it, what a real step holds. */
public final class FormulaView {
    private FormulaView() {}

    /** Text and HTML of a formula. */
    public static Bundle of(Formula formula) {
        List<Formula.Line> all = Stream.concat(formula.byHand().stream(), formula.real().stream())
                .toList();
        String row = "  %-" + longest(all, Formula.Line::item) + "s  %-" + longest(all, Formula.Line::expression)
                + "s  %12s%n";
        return Bundle.text("By hand\n" + text(row, formula.byHand()) + "A real step\n" + text(row, formula.real())
                        + times(formula))
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
                "The real step needs %.1f times the hand arithmetic: %s.",
                (double) formula.realBytes() / Math.max(1, formula.byHandBytes()),
                formula.growth());
    }

    private static int longest(List<Formula.Line> lines, Function<Formula.Line, String> column) {
        return lines.stream()
                .mapToInt(line -> column.apply(line).length())
                .max()
                .orElse(1);
    }

    private static String text(String row, List<Formula.Line> lines) {
        StringBuilder text = new StringBuilder();
        for (Formula.Line line : lines) {
            text.append(String.format(Locale.ROOT, row, line.item(), line.expression(), Bytes.format(line.bytes())));
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

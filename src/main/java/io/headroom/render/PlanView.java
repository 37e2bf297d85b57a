package io.headroom.render;

import io.headroom.budget.Estimate;
import io.headroom.remedy.Frontier;
import io.headroom.remedy.Plan;
import io.headroom.remedy.Remedy;
import io.headroom.remedy.Setups;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;

/** Plans as tables: one with its code, the frontier with a bar each, the set-ups per memory size. */
public final class PlanView {
    private static final int WIDTH = 240;

    private PlanView() {}

    /** One plan: what it does to the peak, what each remedy costs, the code to paste. */
    public static Bundle of(Plan plan) {
        if (plan.remedies().isEmpty()) {
            String line = plan.workload() + " fits as it is: " + peak(plan.estimate()) + ".";
            return Bundle.text(line).html("<p>" + Html.escape(line) + "</p>");
        }
        Estimate before = plan.saving().before();
        String first = plan.before() + ": " + peak(before) + ". With " + plan.title() + ": " + peak(plan.estimate())
                + String.format(Locale.ROOT, " (%+.0f %%).", -plan.saving().share() * 100);
        StringBuilder text = new StringBuilder(first);
        StringBuilder html = new StringBuilder("<p>" + Html.escape(first) + "</p><table><thead><tr>")
                .append(head("Remedy"))
                .append(head("What it does"))
                .append(head("Cost"))
                .append("</tr></thead><tbody>");
        for (Remedy remedy : plan.remedies()) {
            text.append("\n  ").append(remedy.title()).append(" · ").append(remedy.cost());
            html.append("<tr>")
                    .append(left(remedy.title()))
                    .append(left(remedy.what()))
                    .append(left(remedy.cost() + ". " + remedy.cost().note()))
                    .append("</tr>");
        }
        text.append("\n\n").append(plan.how());
        html.append("</tbody></table><pre>").append(Html.escape(plan.how())).append("</pre>");
        return Bundle.text(text.toString()).html(html.toString());
    }

    /** The frontier, the workload as it is first. */
    public static Bundle of(Frontier frontier) {
        List<Plan> plans = frontier.plans();
        long longest = Math.max(1, plans.get(0).estimate().upperBytes());
        String rule = "Each row is the cheapest set whose upper bound is a fifth below the row before, or lower still.";
        StringBuilder text = new StringBuilder(frontier.workload() + "\n" + rule);
        StringBuilder html = new StringBuilder("<p>"
                + Html.escape(frontier.workload().toString())
                + "<br>" + rule + "</p><table><thead><tr>" + head("Remedies") + "<th>Expected</th><th>At most</th>"
                + head("Cost")
                + head("Upper bound") + "</tr></thead><tbody>");
        for (Plan plan : plans) {
            Estimate estimate = plan.estimate();
            text.append(String.format(
                    Locale.ROOT,
                    "%n  %11s, at most %11s  %s · %s",
                    Bytes.format(estimate.deviceBytes()),
                    Bytes.format(estimate.upperBytes()),
                    plan.title(),
                    plan.cost()));
            html.append("<tr>")
                    .append(left(plan.title()))
                    .append(right(Bytes.format(estimate.deviceBytes())))
                    .append(right(Bytes.format(estimate.upperBytes())))
                    .append(left(plan.cost().toString()))
                    .append("<td style=\"text-align:left\"><div style=\"background-color:#9ecae1;height:12px;width:")
                    .append(Math.max(1, (long) (WIDTH * ((double) estimate.upperBytes() / longest))))
                    .append("px\"></div></td></tr>");
        }
        return Bundle.text(text.toString()).html(html.append("</tbody></table>").toString());
    }

    /** The set-ups, the smallest memory first. */
    public static Bundle of(Setups setups) {
        String meant = "Memory is what is left for the step: above the idle process, the system and other programs.";
        StringBuilder text = new StringBuilder(setups.workload() + "\n" + meant);
        StringBuilder html = new StringBuilder("<p>"
                + Html.escape(setups.workload().toString())
                + "<br>" + meant + "</p><table><thead><tr><th>Memory</th><th>Largest batch as it is</th>"
                + head("Cheapest remedies for batch " + setups.workload().batch())
                + "<th>Expected</th><th>At most</th></tr></thead><tbody>");
        for (Setups.Setup row : setups.rows()) {
            String batch = row.largestBatch().isPresent()
                    ? String.valueOf(row.largestBatch().getAsLong())
                    : "none";
            String title = row.plan().map(Plan::title).orElse("not with these remedies");
            String expected = row.plan()
                    .map(plan -> Bytes.format(plan.estimate().deviceBytes()))
                    .orElse("–");
            String upper = row.plan()
                    .map(plan -> Bytes.format(plan.estimate().upperBytes()))
                    .orElse("–");
            text.append(String.format(
                    Locale.ROOT,
                    "%n  %11s  %-20s  %11s, at most %11s  %s",
                    Bytes.format(row.bytes()),
                    row.largestBatch().isPresent() ? String.format("batch up to %8s", batch) : "no batch as it is",
                    expected,
                    upper,
                    title));
            html.append("<tr>")
                    .append(right(Bytes.format(row.bytes())))
                    .append(right(batch))
                    .append(left(title))
                    .append(right(expected))
                    .append(right(upper))
                    .append("</tr>");
        }
        return Bundle.text(text.toString()).html(html.append("</tbody></table>").toString());
    }

    private static String peak(Estimate estimate) {
        return Bytes.format(estimate.deviceBytes()) + ", at most " + Bytes.format(estimate.upperBytes());
    }

    private static String head(String content) {
        return "<th style=\"text-align:left\">" + Html.escape(content) + "</th>";
    }

    private static String left(String content) {
        return "<td style=\"text-align:left\">" + Html.escape(content) + "</td>";
    }

    private static String right(String content) {
        return "<td style=\"text-align:right\">" + Html.escape(content) + "</td>";
    }
}

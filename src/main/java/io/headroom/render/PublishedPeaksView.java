package io.headroom.render;

import io.headroom.budget.cuda.PublishedPeaks;
import io.headroom.budget.cuda.PublishedPeaks.Run;
import io.headroom.units.Bytes;

/** Published training peaks as a table: measured, estimated here, estimated by other tools. */
public final class PublishedPeaksView {
    private static final String NOTE =
            "Measured and published with xMem (MIT licence) on an RTX 3060, an RTX 4060 and an A100; errors are of the measured peak.";

    private PublishedPeaksView() {}

    /** Text and HTML of the runs. */
    public static Bundle of(PublishedPeaks peaks) {
        StringBuilder html = new StringBuilder("<table><thead><tr><th style=\"text-align:left\">model</th>"
                + "<th style=\"text-align:left\">optimizer</th><th>batch</th><th>measured</th>");
        PublishedPeaks.TOOLS.forEach(
                tool -> html.append("<th>").append(Html.escape(tool)).append("</th>"));
        html.append("<th style=\"text-align:left\">our bound</th></tr></thead><tbody>");
        peaks.runs().forEach(run -> row(run, html));
        html.append("<tr><th colspan=\"4\" style=\"text-align:left\">median of the errors, without their signs</th>");
        PublishedPeaks.TOOLS.forEach(tool -> html.append("<th>")
                .append(PublishedPeaks.percent(peaks.median(tool), false))
                .append("</th>"));
        html.append("<th style=\"text-align:left\">")
                .append(peaks.missed())
                .append(" of ")
                .append(peaks.runs().size())
                .append(" missed</th></tr></tbody></table><p>")
                .append(Html.escape(NOTE))
                .append("</p>");
        return Bundle.text(peaks.toString()).html(html.toString());
    }

    private static void row(Run run, StringBuilder html) {
        html.append("<tr><td style=\"text-align:left\">")
                .append(Html.escape(run.step().model().name()))
                .append("</td><td style=\"text-align:left\">")
                .append(run.step().optimizer())
                .append("</td><td>")
                .append(run.step().batch())
                .append("</td><td>")
                .append(Bytes.format(run.measuredBytes()))
                .append("</td>");
        PublishedPeaks.TOOLS.forEach(tool -> html.append("<td>")
                .append(PublishedPeaks.percent(run.error(tool), true))
                .append("</td>"));
        html.append("<td style=\"text-align:left\">")
                .append(Bytes.format(run.estimate().upperBytes()))
                .append(run.missed() ? ", missed" : ", holds")
                .append("</td></tr>");
    }
}

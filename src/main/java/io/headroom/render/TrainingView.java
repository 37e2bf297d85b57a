package io.headroom.render;

import io.headroom.training.SampleTraining;
import io.headroom.training.SampleTrainings;
import io.headroom.units.Bytes;
import java.util.Locale;

/** Sample trainings as a table: what was predicted, what was measured, a bar each. */
public final class TrainingView {
    private static final int WIDTH = 240;
    private static final String NOTE =
            "Predicted are the samples and what is made of them. What a training this small touches of the Java heap and of "
                    + "malloc comes on top, up to some 24 MiB.";

    private TrainingView() {}

    /** One training in a line, and of a small one why it is no closer. */
    public static Bundle of(SampleTraining.Run run) {
        boolean small = SmallSteps.isSmall(run.peakBytes(), run.training().device());
        return Bundle.text(run + (small ? "\n  " + NOTE : ""));
    }

    /** Text and HTML of a comparison of trainings. */
    public static Bundle of(SampleTrainings trainings) {
        long longest = trainings.runs().stream()
                .mapToLong(run -> Math.max(run.peakBytes(), run.training().predictedBytes()))
                .max()
                .orElse(1);
        StringBuilder html =
                new StringBuilder("<table><thead><tr><th style=\"text-align:left\">Training</th><th>Predicted</th>"
                        + "<th>Measured</th><th>Error</th><th>Saved</th><th>Took</th><th>Loss</th>"
                        + "<th style=\"text-align:left\">Predicted over measured</th></tr></thead><tbody>");
        for (SampleTraining.Run run : trainings.runs()) {
            html.append("<tr><td style=\"text-align:left\">")
                    .append(Html.escape(run.training().title()))
                    .append("</td>")
                    .append(right(Bytes.format(run.training().predictedBytes())))
                    .append(right(Bytes.format(run.peakBytes())))
                    .append(right(String.format(Locale.ROOT, "%+.1f %%", 100 * run.error())))
                    .append(right(String.format(Locale.ROOT, "%.0f %%", 100 * trainings.saved(run))))
                    .append(right(
                            String.format(Locale.ROOT, "%.1f s", run.took().toMillis() / 1000.0)))
                    .append(right(String.format(Locale.ROOT, "%.4f", run.loss())))
                    .append("<td style=\"text-align:left\">")
                    .append(bar(run.training().predictedBytes(), longest, "#9ecae1"))
                    .append(bar(run.peakBytes(), longest, "#3182bd"))
                    .append("</td></tr>");
        }
        return Bundle.text(trainings.toString())
                .html(html.append("</tbody></table><p style=\"font-size:12px\">")
                        .append(Html.escape(NOTE))
                        .append("</p>")
                        .toString());
    }

    private static String right(String content) {
        return "<td style=\"text-align:right\">" + content + "</td>";
    }

    private static String bar(long bytes, long longest, String colour) {
        return "<div style=\"background-color:" + colour + ";width:" + Math.max(1, WIDTH * bytes / Math.max(1, longest))
                + "px;height:8px;margin:1px 0\"></div>";
    }
}

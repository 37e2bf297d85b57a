package io.headroom.render;

import io.headroom.training.Probe;
import io.headroom.training.Probe.Projection;
import io.headroom.training.Probe.Step;
import io.headroom.units.Bytes;

/** A probe as a table of its measured steps, its curve and its answer. */
public final class ProbeView {
    private ProbeView() {}

    /** The same under a sentence on why it was measured. */
    public static Bundle of(Probe probe, String why) {
        Bundle plain = of(probe);
        return Bundle.text(why + "\n" + plain.plain())
                .html("<p>" + Html.escape(why) + "</p>" + plain.data().get(Bundle.HTML));
    }

    /** Text and HTML of a probe. */
    public static Bundle of(Probe probe) {
        Projection here;
        try {
            here = probe.projection();
        } catch (IllegalArgumentException | ArithmeticException nothingTold) {
            return Bundle.text(probe.toString()).html("<pre>" + Html.escape(probe.toString()) + "</pre>");
        }
        StringBuilder html = new StringBuilder("<p>")
                .append(Html.escape(probe.workload().toString()))
                .append("<br/><b>expected ")
                .append(Bytes.format(here.expectedBytes()))
                .append(", at most ")
                .append(Bytes.format(here.upperBytes()))
                .append("</b>")
                .append(here.inUpdate() ? ", in the update" : "")
                .append(" · ")
                .append(Html.escape(probe.answer()))
                .append("</p><table><thead><tr><th>" + probe.noun() + "s</th><th>seq</th><th>before the step</th>")
                .append("<th>forward and backward</th><th>update</th></tr></thead><tbody>");
        for (Step step : probe.steps()) {
            html.append("<tr><td>")
                    .append(step.sequences())
                    .append("</td><td>")
                    .append(step.seq() == 0 ? "" : step.seq())
                    .append("</td><td>")
                    .append(Bytes.format(step.idleBytes()))
                    .append("</td><td>")
                    .append(Bytes.format(step.passBytes()))
                    .append("</td><td>")
                    .append(step.updateBytes() == 0 ? "" : Bytes.format(step.updateBytes()))
                    .append("</td></tr>");
        }
        html.append("</tbody></table><p>peak = ")
                .append(Html.escape(probe.curve()))
                .append("<br/>")
                .append(Html.escape(probe.where()))
                .append("</p>");
        return Bundle.text(probe.toString()).html(html.toString());
    }
}

package io.headroom.render;

import io.headroom.training.Measurement;
import io.headroom.units.Bytes;
import java.util.Locale;

/** A measured step in one line. */
public final class MeasurementView {
    private MeasurementView() {}

    /** Text and HTML of a measurement. */
    public static Bundle of(Measurement measured) {
        String facts = String.format(
                Locale.ROOT,
                "peak %s above the idle process%s · %.2f s%s",
                Bytes.format(measured.peakBytes()),
                measured.exact() ? "" : " (sampled)",
                measured.duration().toMillis() / 1000.0,
                Double.isNaN(measured.loss()) ? "" : String.format(Locale.ROOT, " · loss %.4f", measured.loss()));
        String note =
                SmallSteps.isSmall(measured.peakBytes(), measured.workload().device()) ? SmallSteps.NOTE : "";
        return Bundle.text((measured.workload() + "\n  " + facts + "\n  " + note).stripTrailing())
                .html("<p>" + Html.escape(measured.workload().toString()) + "<br/><b>" + facts + "</b>"
                        + (note.isEmpty() ? "" : "<br/>" + note) + "</p>");
    }
}

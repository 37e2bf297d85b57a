package io.headroom.remedy;

import io.headroom.units.Bytes;
import java.util.OptionalLong;

/**
 * What a remedy is predicted to give back, from the budget and a reading; or why neither tells.
 *
 * <p>Bytes are those above the idle process, or of the device. Immutable.
 *
 * <pre>{@code
 * Remedies.byName("emptied cache").prediction(step, Reading.now("now"));   // 41.20 MiB, free in malloc's arenas
 * }</pre>
 *
 * @param bytes that it gives back; empty where it is not told
 * @param basis what was counted, or what would tell
 */
public record Prediction(OptionalLong bytes, String basis) {
    static final String NO_ESTIMATE = "there is no estimate for this kind of workload";

    static Prediction of(long bytes, String basis) {
        return new Prediction(OptionalLong.of(bytes), basis);
    }

    static Prediction of(OptionalLong bytes, String basis, String otherwise) {
        return bytes.isPresent() ? new Prediction(bytes, basis) : notTold(otherwise);
    }

    static Prediction notTold(String why) {
        return new Prediction(OptionalLong.empty(), why);
    }

    /** {@code "41.20 MiB, free in malloc's arenas"} or {@code "not told: …"}. */
    @Override
    public String toString() {
        return bytes.isPresent() ? Bytes.format(bytes.getAsLong()) + ", " + basis : "not told: " + basis;
    }
}

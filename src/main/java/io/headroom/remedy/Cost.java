package io.headroom.remedy;

import java.util.Locale;

/**
 * What a remedy costs.
 *
 * @param timeFactor step time afterwards over before: 1 is no change, 1.3 is 30 % slower; {@code NaN} where it depends
 * @param accuracy what happens to the result
 * @param risk what can go wrong
 * @param note the same in words, with the source where a figure is a claim
 */
public record Cost(double timeFactor, Accuracy accuracy, Risk risk, String note) {
    /** What happens to the result of the training. */
    public enum Accuracy {
        /** The same gradients, up to rounding. */
        SAME,
        /** Another course of training with the same expectation: a smaller batch is noisier. */
        SIMILAR,
        /** The model sees or can express less. */
        MAY_FALL
    }

    /** What can go wrong. */
    public enum Risk {
        NONE,
        LOW,
        /** May starve or crash the system, or stop the training. */
        HIGH
    }

    /** One line: {@code "30 % slower · same result · no risk"}. */
    @Override
    public String toString() {
        String speed = Double.isNaN(timeFactor)
                ? "speed depends"
                : timeFactor == 1
                        ? "same speed"
                        : timeFactor > 1
                                ? String.format(Locale.ROOT, "%.0f %% slower", (timeFactor - 1) * 100)
                                : String.format(Locale.ROOT, "%.0f %% of the time", timeFactor * 100);
        String result =
                switch (accuracy) {
                    case SAME -> "same result";
                    case SIMILAR -> "similar result";
                    case MAY_FALL -> "may cost accuracy";
                };
        String danger =
                switch (risk) {
                    case NONE -> "no risk";
                    case LOW -> "low risk";
                    case HIGH -> "high risk";
                };
        return speed + " · " + result + " · " + danger;
    }
}

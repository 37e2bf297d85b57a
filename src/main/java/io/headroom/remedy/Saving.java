package io.headroom.remedy;

import io.headroom.budget.Estimate;
import io.headroom.units.Bytes;
import java.util.Locale;

/**
 * What a remedy is predicted to save: the difference of two estimates.
 *
 * @param before the estimate of the workload as it is
 * @param after the estimate of the workload with the remedy applied
 */
public record Saving(Estimate before, Estimate after) {
    /** Bytes saved on the device; negative where the remedy costs memory. */
    public long bytes() {
        return before.deviceBytes() - after.deviceBytes();
    }

    /** The share of the peak that is saved, from 0 to 1; negative where the remedy costs memory. */
    public double share() {
        return (double) bytes() / before.deviceBytes();
    }

    /** Whether the step fits a limit with the remedy: its upper bound is within it. */
    public boolean fits(long limitBytes) {
        return after.upperBytes() <= limitBytes;
    }

    /** One line: {@code "9.94 GiB of 11.41 GiB (−87 %)"}. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s of %s (%+.0f %%)",
                Bytes.format(bytes()),
                Bytes.format(before.deviceBytes()),
                -share() * 100);
    }
}

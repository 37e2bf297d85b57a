package io.headroom.budget;

import io.headroom.workload.Workload;

/**
 * Whether one step of a workload goes into a limit.
 *
 * <pre>{@code
 * Fit fit = Fit.of(Workload.transformer().batch(64), 8L << 30);
 * fit.verdict();      // FITS, FITS_BARELY or DOES_NOT_FIT
 * }</pre>
 *
 * <p>Immutable.
 *
 * @param limitBytes what there is, as {@link Estimate#deviceBytes} counts: above the idle process or device
 */
public record Fit(Estimate estimate, long limitBytes) {
    /** Estimates the workload beside a limit in bytes. */
    public static Fit of(Workload workload, long limitBytes) {
        return new Fit(Estimate.of(workload), limitBytes);
    }

    /** The same on a device of the table: its allocator, and what is usable of it. */
    public static Fit of(Workload workload, Device device) {
        return of(workload.device(device.name()), device.usableBytes());
    }

    /** Whether it fits even at the upper bound, only as expected, or not. */
    public Verdict verdict() {
        return Verdict.of(estimate, limitBytes);
    }
}

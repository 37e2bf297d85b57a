package io.headroom.budget;

import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.OptionalLong;

/**
 * Finds the largest step that fits a limit.
 *
 * <p>"Fits" means that the upper bound is within the limit. Every answer is searched with real estimates, so it holds
 * for whatever the workload switches on. Stateless and safe for any number of threads.
 *
 * <pre>{@code
 * Solver.largestBatch(step, Bytes.parse("9.07 GiB"));            // OptionalLong[49]
 * Solver.largest(step, Option.SEQ, Bytes.parse("9.07 GiB"));     // the longest sequence
 * }</pre>
 */
public final class Solver {
    private static final long FAR = 1L << 40;

    private Solver() {}

    /** The largest batch that fits, or empty if not even one sample does. */
    public static OptionalLong largestBatch(Workload workload, long limitBytes) {
        return largest(workload, Option.BATCH, limitBytes);
    }

    /** The largest value of a numeric option that fits with all else as it is, or empty if none does. */
    public static OptionalLong largest(Workload workload, Option option, long limitBytes) {
        long step = option == Option.D_MODEL && workload.architecture().has(Option.HEADS) ? workload.heads() : 1;
        if (!fits(workload, option, step, limitBytes)) {
            return OptionalLong.empty();
        }
        long low = 1;
        long high = 2;
        while (high < FAR && fits(workload, option, high * step, limitBytes)) {
            low = high;
            high *= 2;
        }
        while (high - low > 1) {
            long middle = (low + high) >>> 1;
            if (fits(workload, option, middle * step, limitBytes)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return OptionalLong.of(low * step);
    }

    private static boolean fits(Workload workload, Option option, long value, long limitBytes) {
        try {
            return Estimate.of(workload.with(option, value)).upperBytes() <= limitBytes;
        } catch (ArithmeticException beyondCounting) {
            return false;
        }
    }
}

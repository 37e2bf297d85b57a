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
 * Solver.largestBatch(step, Bytes.parse("9.07 GiB"));            // OptionalLong[48], malloc's thresholds fixed
 * Solver.largest(step, Option.SEQ, Bytes.parse("9.07 GiB"));     // the longest sequence
 * }</pre>
 */
public final class Solver {
    private static final long FAR = 1L << 40;

    private final Workload workload;
    private final Option option;
    private final long limitBytes;
    private final long step;
    private final Malloc malloc;

    private Solver(Workload workload, Option option, long limitBytes, Malloc malloc) {
        this.malloc = malloc;
        this.workload = workload;
        this.option = option;
        this.limitBytes = limitBytes;
        this.step = option == Option.D_MODEL && workload.architecture().has(Option.HEADS) ? workload.heads() : 1;
    }

    /** The largest batch that fits, or empty if not even the {@link #smallest} one does. */
    public static OptionalLong largestBatch(Workload workload, long limitBytes) {
        return largest(workload, Option.BATCH, limitBytes);
    }

    /**
     * The largest value of a numeric option that fits with all else as it is, or empty if not even the {@link #smallest} does.
     *
     * @throws IllegalArgumentException if the workload does not hold together
     */
    public static OptionalLong largest(Workload workload, Option option, long limitBytes) {
        return largest(workload, option, limitBytes, Malloc.here());
    }

    /** The same for a process whose malloc is set so. */
    public static OptionalLong largest(Workload workload, Option option, long limitBytes, Malloc malloc) {
        return new Solver(workload.validate(), option, limitBytes, malloc).search();
    }

    /**
     * The smallest value of a numeric option that goes with all else: a batch of as many samples as there are micro-batches, a width
     * that the heads divide and the LoRA rank goes into, a layer for each segment and each frozen one, an image that each layer can halve, nodes that the edges find room between.
     */
    public static long smallest(Workload workload, Option option) {
        return switch (option) {
            case BATCH -> workload.accumulation();
            case LAYERS -> Math.max(1, Math.max(workload.checkpointing(), workload.frozenLayers()));
            case IMAGE -> 1L << Math.min(Long.SIZE - 2, workload.layers());
            case NODES -> Math.max(1, (long) Math.ceil(Math.sqrt(workload.number(Option.EDGES))));
            case D_MODEL ->
                workload.architecture().has(Option.HEADS)
                        ? ((Math.max(1, workload.loraRank()) - 1) / workload.heads() + 1) * workload.heads()
                        : 1;
            default -> 1;
        };
    }

    /** Peaks are nearly straight lines, or squares, of an option: following them takes fewer estimates than halving. */
    private OptionalLong search() {
        long fits = smallest(workload, option) / step;
        double room = room(fits);
        if (room < 0) {
            return OptionalLong.empty();
        }
        long tooLarge = fits + 1;
        double missing = room(tooLarge);
        while (missing >= 0 && tooLarge < FAR) {
            double slope = Math.max(1, (room - missing) / (tooLarge - fits));
            fits = tooLarge;
            room = missing;
            tooLarge = (long) Math.min(FAR, Math.min(fits * 1024.0, fits + Math.max(fits, room / slope + 1)));
            missing = room(tooLarge);
        }
        boolean halve = Double.isInfinite(missing);
        while (tooLarge - fits > 1) {
            long at = halve ? (fits + tooLarge) >>> 1 : (long) (fits + (tooLarge - fits) * (room / (room - missing)));
            at = Math.min(tooLarge - 1, Math.max(fits + 1, at));
            double left = room(at);
            long width = tooLarge - fits;
            if (left >= 0) {
                fits = at;
                room = left;
            } else {
                tooLarge = at;
                missing = left;
            }
            halve = Double.isInfinite(missing) || !halve && tooLarge - fits > width / 2;
        }
        return OptionalLong.of(fits * step);
    }

    /** What the limit leaves; negative where the step does not fit, without end where its sizes do not hold together. */
    private double room(long steps) {
        try {
            return limitBytes
                    - (double) Estimate.of(workload.with(option, Math.multiplyExact(steps, step)), malloc)
                            .upperBytes();
        } catch (ArithmeticException | IllegalArgumentException beyond) {
            return Double.NEGATIVE_INFINITY;
        }
    }
}

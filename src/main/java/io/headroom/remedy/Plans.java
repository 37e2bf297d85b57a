package io.headroom.remedy;

import io.headroom.budget.Solver;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Searches the sets of remedies: the cheapest that fits a limit, the frontier of cost against peak, a set-up per memory size.
 *
 * <p>A set is as dear as its dearest remedy, then its next: one that may change the result is dearer than any number that
 * keep it, then the risk counts, then the time (see {@link Cost}). "Fits" means that the upper bound is within the limit.
 * Sets are searched with real estimates, so an answer holds for whatever the workload switches on. The search takes some tens of
 * estimates; no tensor is allocated. Stateless and safe for any number of threads.
 *
 * <pre>{@code
 * Plans.cheapest(step, Bytes.parse("4 GiB"));        // Optional[gradient accumulation, 4 micro-batches: 3.02 GiB, …]
 * Plans.frontier(step).toTable();
 * Plans.setups(step, Plans.SIZES).toTable();
 * }</pre>
 */
public final class Plans {
    /** Memory sizes of usual cards and machines, in bytes. */
    public static final List<Long> SIZES = LongStream.of(2, 4, 8, 12, 16, 24, 40, 80)
            .map(size -> size * Bytes.GIB)
            .boxed()
            .toList();

    /** A step of the frontier makes the peak smaller by a fifth at least. */
    private static final double FRONTIER_STEP = 0.8;

    private Plans() {}

    /**
     * The cheapest set of remedies with which a workload fits a limit: empty of remedies if it fits as it is, absent if all
     * of them together are not enough (see {@link #smallest}). No remedy can be left out of it, nor be made milder.
     *
     * @param limitBytes above the idle process, or of the device
     * @throws IllegalArgumentException if the workload does not hold together or the limit is not positive
     */
    public static Optional<Plan> cheapest(Workload workload, long limitBytes) {
        if (limitBytes <= 0) {
            throw new IllegalArgumentException("limit = " + limitBytes + " bytes: must be at least 1.");
        }
        return new Search(workload).cheapest(limitBytes);
    }

    /** All that helps, as strong as it goes: the smallest peak that the remedies reach. */
    public static Plan smallest(Workload workload) {
        return new Search(workload).smallest();
    }

    /** From the workload as it is to the smallest peak: each plan is the cheapest with a peak a fifth smaller than the last. */
    public static Frontier frontier(Workload workload) {
        Search search = new Search(workload);
        List<Plan> plans = new ArrayList<>();
        Optional<Plan> next = Optional.of(search.asItIs());
        while (next.isPresent()) {
            plans.add(next.get());
            long limit = (long) (next.get().estimate().upperBytes() * FRONTIER_STEP);
            next = search.cheapest(limit);
        }
        return new Frontier(workload, plans);
    }

    /**
     * What to run at each memory size: the largest batch without remedies and the cheapest set for the batch as it is.
     *
     * @param sizes in bytes, each above the idle process or of the device
     */
    public static Setups setups(Workload workload, List<Long> sizes) {
        Search search = new Search(workload);
        return new Setups(
                workload,
                sizes.stream()
                        .sorted()
                        .map(size -> new Setups.Setup(size, Solver.largestBatch(workload, size), search.cheapest(size)))
                        .toList());
    }
}

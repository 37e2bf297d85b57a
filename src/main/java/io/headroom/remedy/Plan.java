package io.headroom.remedy;

import io.headroom.budget.Estimate;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A set of remedies for one workload and what the step then needs.
 *
 * <p>Made by {@link Plans}. Immutable and safe for any number of threads.
 *
 * <pre>{@code
 * Plan plan = Plans.cheapest(step, Bytes.parse("4 GiB")).orElseThrow();
 * plan.title();                    // "gradient accumulation, 4 micro-batches"
 * plan.estimate().upperBytes();    // within 4 GiB
 * System.out.println(plan.how());  // the code to paste
 * run(plan.workload());
 * }</pre>
 *
 * @param before the workload without remedies
 * @param remedies in the order in which they apply; empty if the workload needs none
 * @param workload the workload with all of them
 * @param estimate of {@code workload}
 */
public record Plan(Workload before, List<Remedy> remedies, Workload workload, Estimate estimate) {
    public Plan {
        remedies = List.copyOf(remedies);
    }

    /**
     * The workload with these remedies, applied one after another.
     *
     * @throws IllegalArgumentException if one of them does not apply
     */
    public static Plan of(Workload before, List<Remedy> remedies) {
        Workload after = before;
        for (Remedy remedy : remedies) {
            after = remedy.apply(after);
        }
        return new Plan(before, remedies, after, Estimate.of(after));
    }

    /** Whether the upper bound of the step is within a limit in bytes. */
    public boolean fits(long limitBytes) {
        return estimate.upperBytes() <= limitBytes;
    }

    /** What it saves: the estimates without and with the remedies. */
    public Saving saving() {
        return new Saving(Estimate.of(before), estimate);
    }

    /** What it costs in speed, accuracy and risk. */
    public Cost cost() {
        return remedies.stream()
                .reduce(Remedy::then)
                .map(Remedy::cost)
                .orElseGet(() -> new Cost(1, Cost.Accuracy.SAME, Cost.Risk.NONE, "Nothing changes."));
    }

    /** The remedies with their settings: {@code "smaller batch, batch 8 + half precision"}; {@code "as it is"} for none. */
    public String title() {
        return remedies.isEmpty()
                ? "as it is"
                : remedies.stream().map(Remedy::title).collect(Collectors.joining(" + "));
    }

    /** The code that applies them to a DJL training, ready to paste; empty for none. */
    public String how() {
        return remedies.stream()
                .reduce(Remedy::then)
                .map(all -> all.how(before))
                .orElse("");
    }

    /** One line: {@code "half precision: 1.20 GiB, at most 1.26 GiB · speed depends · similar result · low risk"}. */
    @Override
    public String toString() {
        return title() + ": " + Bytes.format(estimate.deviceBytes()) + ", at most "
                + Bytes.format(estimate.upperBytes()) + " · " + cost();
    }
}

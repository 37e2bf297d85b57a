package io.headroom;

import io.headroom.budget.Estimate;
import io.headroom.training.Probe;
import io.headroom.workload.Workload;
import io.headroom.workload.step.UnknownBlock;
import java.util.Optional;
import java.util.concurrent.CancellationException;

/** A step of a block that has code of its own: it is measured where others are read, and the reason is told. */
record OwnCode(Workload step, String reason) {
    private static final String ADVICE =
            " Give the shape of an input that the block's forward takes, the batch first; its"
                    + " result must depend on weights that are trained. Where memory was short, release() and releaseAll() make room.";

    /** Empty for a block that can be read. */
    static Optional<OwnCode> in(Workload step) {
        try {
            Estimate.of(step);
            return Optional.empty();
        } catch (IllegalArgumentException refused) {
            if (refused.getCause() instanceof UnknownBlock unread) {
                return Optional.of(new OwnCode(step, unread.reason()));
            }
            throw refused;
        }
    }

    /**
     * Runs the small steps.
     *
     * @throws IllegalStateException if they do not run: why the block was not read, why not measured, and what to do
     */
    Probe measure() {
        try {
            return Headroom.probe(step);
        } catch (CancellationException interrupted) {
            throw interrupted;
        } catch (RuntimeException failed) {
            throw new IllegalStateException(
                    reason + ", so the step was not read. It could not be measured either: " + said(failed) + ADVICE,
                    failed);
        }
    }

    /** One sentence above what was measured. */
    String sentence() {
        return reason + ", so the step was measured, not read.";
    }

    private static String said(RuntimeException failed) {
        boolean plain = failed instanceof IllegalArgumentException || failed instanceof IllegalStateException;
        String text = (plain && failed.getMessage() != null ? failed.getMessage() : failed.toString()).strip();
        return text.endsWith(".") ? text : text + ".";
    }
}

package io.headroom.remedy;

import io.headroom.budget.Estimate;
import io.headroom.memory.Reading;
import io.headroom.workload.Workload;
import java.util.Optional;

/**
 * A way to need less memory: a function from a workload to a cheaper workload, with its preconditions and its cost.
 *
 * <p>A remedy of the process or of the data (releasing a model, an allocator setting, copying samples) leaves the
 * workload as it is and has no {@link #saving}, but mostly a {@link #prediction}; {@link #changesWorkload()} tells the two
 * apart. Remedies are immutable and
 * safe for any number of threads.
 *
 * <pre>{@code
 * Remedy remedy = Remedies.checkpointing(8);
 * remedy.obstacle(step);                    // Optional.empty(): it applies
 * remedy.saving(step).orElseThrow();        // "2.31 GiB of 3.40 GiB (-68 %)"
 * Workload cheaper = remedy.apply(step);
 * System.out.println(remedy.how(step));     // the code to paste
 * }</pre>
 */
public interface Remedy {
    /** Its name: {@code "gradient checkpointing"}. */
    String name();

    /** The name with its setting: {@code "gradient checkpointing, 8 segments"}. */
    String title();

    /** What it does, in one sentence. */
    String what();

    /** Why it does not apply to this workload, or empty if it does. */
    Optional<String> obstacle(Workload workload);

    /**
     * The workload with the remedy.
     *
     * @throws IllegalArgumentException if it does not apply; the message is the {@link #obstacle}
     */
    Workload apply(Workload workload);

    /** Whether {@link #apply} makes another workload, so that a saving can be estimated. */
    boolean changesWorkload();

    /** What it costs in speed, accuracy and risk. */
    Cost cost();

    /** The code that applies it to a DJL training, by its place. */
    Code code(Workload workload);

    /** The same as text, ready to paste. */
    default String how(Workload workload) {
        return code(workload).toString();
    }

    /** Whether it applies to this workload. */
    default boolean appliesTo(Workload workload) {
        return obstacle(workload).isEmpty();
    }

    /**
     * What it is predicted to save: empty if it does not apply, does not change the workload, or no estimate exists for this
     * kind of workload.
     */
    default Optional<Saving> saving(Workload workload) {
        if (!changesWorkload() || !appliesTo(workload)) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Saving(Estimate.of(workload), Estimate.of(apply(workload))));
        } catch (UnsupportedOperationException noEstimate) {
            return Optional.empty();
        }
    }

    /**
     * What it is predicted to give back: the difference of two estimates where it changes the workload, what a reading of now
     * tells where it changes the process, the data or the loop; or why neither tells.
     *
     * @param reading with its arrays counted, {@code Reading.now("stage")}
     */
    default Prediction prediction(Workload workload, Reading reading) {
        return obstacle(workload)
                .map(why -> Prediction.notTold("it does not apply, " + why))
                .or(() -> saving(workload)
                        .map(saving -> Prediction.of(saving.bytes(), "the difference of two estimates")))
                .orElseGet(() -> Prediction.notTold(Prediction.NO_ESTIMATE));
    }

    /** This remedy, then another: an obstacle of either is the obstacle of both. */
    default Remedy then(Remedy next) {
        return new Sequence(this, next);
    }
}

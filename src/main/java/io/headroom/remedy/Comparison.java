package io.headroom.remedy;

import io.headroom.budget.Device;
import io.headroom.budget.Estimate;
import io.headroom.memory.RoomCheck;
import io.headroom.training.Measurement;
import io.headroom.training.ShrinkingBatch;
import io.headroom.training.StepRunner;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A workload and its remedies, each step run for real: predicted beside measured.
 *
 * <p>Every variant runs in this process, one after the other, under whatever cap is in force; one that runs out of memory is
 * a row that says so, and the next runs all the same. All draw from the same random seed, so that remedies which keep
 * the result show the same loss, up to the dropout's draws. The peak of a step is measured above the idle process, as estimates
 * are.
 *
 * <pre>{@code
 * Comparison comparison = Comparison.of(step, List.of(Remedies.batch(8), Remedies.accumulate(8)), System.out::println);
 * comparison.rows().get(1).measuredBytes();
 * }</pre>
 *
 * @param workload the workload as it was
 * @param rows the workload itself first, then one row for each remedy in the order given
 */
public record Comparison(Workload workload, List<Row> rows) {
    private static final String NOT_RUN = "not run: ";

    public Comparison {
        rows = List.copyOf(rows);
    }

    /**
     * One variant.
     *
     * @param title the remedy's title; {@code "as it is"} for the workload itself
     * @param workload what ran
     * @param predicted its estimate, empty where there is none for this kind of workload
     * @param measured what it took, empty if it did not run to its end
     * @param obstacle why there is no measurement: the remedy's obstacle, why it was not run, or the engine's message
     */
    public record Row(
            String title,
            Workload workload,
            Optional<Estimate> predicted,
            Optional<Measurement> measured,
            Optional<String> obstacle) {

        /** Whether it was left out since the system would have ended the process. */
        public boolean notRun() {
            return obstacle.filter(why -> why.startsWith(NOT_RUN)).isPresent();
        }

        /** Predicted bytes above the idle process; 0 where there is no estimate. */
        public long predictedBytes() {
            return predicted.map(Estimate::deviceBytes).orElse(0L);
        }

        /** Measured bytes above the idle process; 0 where it did not run to its end. */
        public long measuredBytes() {
            return measured.map(Measurement::peakBytes).orElse(0L);
        }

        /** The estimate's error: +0.05 is 5 % too high; {@code NaN} without both figures. */
        public double error() {
            return predicted.isEmpty() || measured.isEmpty()
                    ? Double.NaN
                    : (double) predictedBytes() / measuredBytes() - 1;
        }
    }

    /**
     * Runs the workload, then each remedy applied to it.
     *
     * @param progress told each row's title before it runs
     * @throws IllegalArgumentException if the workload does not hold together or cannot run in DJL
     * @throws java.util.concurrent.CancellationException if the thread was interrupted; no further row runs
     */
    public static Comparison of(Workload workload, List<Remedy> remedies, Consumer<String> progress) {
        List<Row> rows = new ArrayList<>();
        progress.accept("as it is");
        rows.add(row("as it is", workload));
        for (Remedy remedy : remedies) {
            progress.accept(remedy.title());
            Optional<String> obstacle = remedy.obstacle(workload);
            rows.add(
                    obstacle.isPresent()
                            ? new Row(remedy.title(), workload, Optional.empty(), Optional.empty(), obstacle)
                            : row(remedy.title(), remedy.apply(workload)));
        }
        return new Comparison(workload, rows);
    }

    private static Row row(String title, Workload workload) {
        Optional<Estimate> predicted = estimate(workload);
        Optional<String> obstacle = obstacle(workload);
        if (obstacle.isPresent()) {
            return new Row(title, workload, predicted, Optional.empty(), obstacle.map(why -> NOT_RUN + why));
        }
        try {
            return new Row(title, workload, predicted, Optional.of(StepRunner.run(workload)), Optional.empty());
        } catch (RuntimeException e) {
            if (!ShrinkingBatch.isOutOfMemory(e)) {
                throw e;
            }
            String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("out of memory");
            return new Row(title, workload, predicted, Optional.empty(), Optional.of(message));
        }
    }

    /**
     * Why a step should not be run here without a cap: it is estimated to need more than the machine or the container has left;
     * empty if it may, or is not estimated, or cannot be run anyway.
     */
    public static Optional<String> obstacle(Workload workload) {
        try {
            return Device.named(workload.device()).kind() == Device.Kind.CPU
                            && StepRunner.obstacle(workload).isEmpty()
                    ? RoomCheck.obstacle(Estimate.of(workload).deviceBytes())
                    : Optional.empty();
        } catch (IllegalArgumentException | UnsupportedOperationException notEstimated) {
            return Optional.empty();
        }
    }

    private static Optional<Estimate> estimate(Workload workload) {
        try {
            return Optional.of(Estimate.of(workload));
        } catch (UnsupportedOperationException none) {
            return Optional.empty();
        }
    }
}

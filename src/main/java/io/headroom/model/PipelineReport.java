package io.headroom.model;

import ai.djl.ndarray.NDManager;
import io.headroom.memory.Peak;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongBinaryOperator;

/**
 * What a pipeline did, model by model; closing it closes the results that were kept.
 *
 * <pre>{@code
 * report.result("age");      // Optional[NDList…]
 * report.peak();             // the highest resident set over all models
 * }</pre>
 */
public final class PipelineReport implements AutoCloseable {
    /**
     * One model's turn.
     *
     * @param name the model
     * @param weights of the model, from its file's header; empty where the file does not say or it never loaded
     * @param loaded the process when the model was loaded and nothing was predicted yet
     * @param result what its use returned, if it was kept
     * @param failure why it failed, if it did
     * @param peak memory over its whole turn, release included
     * @param release what came back; empty if it never loaded or all were kept loaded
     */
    public record Stage(
            String name,
            OptionalLong weights,
            OptionalLong loaded,
            Optional<Object> result,
            Optional<Throwable> failure,
            Peak peak,
            Optional<ReleaseReport> release) {

        /** The same, failed, unless it had before. */
        Stage failed(Throwable why) {
            return new Stage(name, weights, loaded, result, Optional.of(failure.orElse(why)), peak, release);
        }
    }

    private final List<Stage> stages;
    private final NDManager results;

    PipelineReport(List<Stage> stages, NDManager results) {
        this.stages = List.copyOf(stages);
        this.results = results;
    }

    /** Every model's turn, in order. */
    public List<Stage> stages() {
        return stages;
    }

    /** A model's result, if it was kept. */
    public Optional<Object> result(String name) {
        return stages.stream()
                .filter(stage -> stage.name().equals(name))
                .findFirst()
                .flatMap(Stage::result);
    }

    /** Whether every model ran. */
    public boolean succeeded() {
        return stages.stream().allMatch(stage -> stage.failure().isEmpty());
    }

    /** The highest resident set over all models; absent where the system does not say. */
    public OptionalLong peak() {
        return stages.stream()
                .map(stage -> stage.peak().highest())
                .filter(OptionalLong::isPresent)
                .mapToLong(OptionalLong::getAsLong)
                .max();
    }

    /**
     * What the peak is predicted to be if every model is released before the next: the process before the first, the weights of
     * the largest model by its file, and what predicting took beside them.
     */
    public OptionalLong predictedReleased() {
        return predicted(Math::max);
    }

    /** The same if none is released before the last has run. */
    public OptionalLong predictedKept() {
        return predicted(Long::sum);
    }

    private OptionalLong predicted(LongBinaryOperator together) {
        long weights = 0;
        long predicting = 0;
        for (Stage stage : stages) {
            OptionalLong highest = stage.peak().highest();
            if (stage.weights().isEmpty() || stage.loaded().isEmpty() || highest.isEmpty()) {
                return OptionalLong.empty();
            }
            weights = together.applyAsLong(weights, stage.weights().getAsLong());
            predicting =
                    Math.max(predicting, highest.getAsLong() - stage.loaded().getAsLong());
        }
        OptionalLong before = stages.get(0).peak().before().rss();
        return before.isPresent() ? OptionalLong.of(before.getAsLong() + weights + predicting) : OptionalLong.empty();
    }

    /** Closes the results that were kept. */
    @Override
    public void close() {
        results.close();
    }

    /** A line for each model: {@code age: peak 1.21 GiB, then 251.40 MiB} or why it failed. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Stage stage : stages) {
            text.append(text.length() == 0 ? "" : "\n").append(stage.name()).append(": ");
            if (stage.peak().highest().isPresent()) {
                text.append("peak ")
                        .append(Bytes.format(stage.peak().highest().getAsLong()))
                        .append(", then ")
                        .append(Bytes.format(stage.peak().after().rss().orElse(0)));
            }
            stage.failure().ifPresent(failure -> text.append(", failed: ").append(Models.reason(failure)));
        }
        line(text, "peak, measured", peak());
        line(text, "peak, predicted with a release after each", predictedReleased());
        line(text, "peak, predicted with all kept loaded", predictedKept());
        return text.toString();
    }

    private static void line(StringBuilder text, String label, OptionalLong bytes) {
        if (bytes.isPresent()) {
            text.append('\n').append(label).append(": ").append(Bytes.format(bytes.getAsLong()));
        }
    }
}

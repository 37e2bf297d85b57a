package io.headroom.model;

import ai.djl.ndarray.NDManager;
import io.headroom.memory.Peak;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

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
     * @param result what its use returned, if it was kept
     * @param failure why it failed, if it did
     * @param peak memory over its whole turn, release included
     * @param release what came back; empty if it never loaded
     */
    public record Stage(
            String name,
            Optional<Object> result,
            Optional<Throwable> failure,
            Peak peak,
            Optional<ReleaseReport> release) {}

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
        return text.toString();
    }
}

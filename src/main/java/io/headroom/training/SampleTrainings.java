package io.headroom.training;

import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Variants of a sample training, each run for real: predicted beside measured.
 *
 * <p>Immutable.
 *
 * <pre>{@code
 * SampleTrainings.of(List.of(leaky, leaky.copySamples()), System.out::println);
 * }</pre>
 *
 * @param runs in the order given; savings are held against the first
 */
public record SampleTrainings(List<SampleTraining.Run> runs) {
    public SampleTrainings {
        runs = List.copyOf(runs);
    }

    /**
     * Runs all of them, one after the other.
     *
     * @param progress told what runs
     * @throws ai.djl.engine.EngineException if the engine refuses an allocation
     */
    public static SampleTrainings of(List<SampleTraining> trainings, Consumer<String> progress) {
        List<SampleTraining.Run> runs = new ArrayList<>();
        for (SampleTraining training : trainings) {
            runs.add(training.run(epoch -> progress.accept(training.title() + ", " + epoch)));
        }
        return new SampleTrainings(runs);
    }

    /** The share of the first run's peak that a run saved. */
    public double saved(SampleTraining.Run run) {
        return 1 - (double) run.peakBytes() / runs.get(0).peakBytes();
    }

    @Override
    public String toString() {
        return runs.stream()
                .map(run -> String.format(
                        Locale.ROOT,
                        "  %-60s predicted %11s  measured %11s  %+.1f %%  saved %3.0f %%  %.1f s  loss %.4f",
                        run.training().title(),
                        Bytes.format(run.training().predictedBytes()),
                        Bytes.format(run.peakBytes()),
                        100 * run.error(),
                        100 * saved(run),
                        run.took().toMillis() / 1000.0,
                        run.loss()))
                .collect(Collectors.joining("\n"));
    }
}

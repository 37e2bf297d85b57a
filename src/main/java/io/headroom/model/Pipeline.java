package io.headroom.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.Peak;
import io.headroom.memory.Watch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Models run one after another, each released before the next is loaded: the first remedy of the first case.
 *
 * <p>{@link #keepLoaded()} leaves all of them loaded until the end, as the case's script did: what the release saves, measured.
 *
 * <p>A model that fails to load or to predict is reported and released; the results of those before it stay, and those
 * after it still run. Results are kept only if asked: an {@code NDArray} or {@code NDList} then moves to the report,
 * which closes it, and so do the model's predictions in a collection, a map, an array, a record or a class of the user's.
 *
 * <p>An interrupt ends the pipeline: the model at work is released, those after it are not loaded, the report has what was
 * done, and the thread is interrupted again.
 *
 * <pre>{@code
 * PipelineReport report = new Pipeline()
 *         .then("age", () -> Models.load("age", path), age -> age.predict(samples(age)))
 *         .then("cancer", () -> Models.load("cancer", block, params), cancer -> cancer.predict(samples(cancer)))
 *         .keepResults()
 *         .run();
 * }</pre>
 *
 * <p>For one thread at a time.
 */
public final class Pipeline {
    private record Step(String name, Callable<LoadedModel> load, Use use) {}

    /** What is done with a model while it is loaded. */
    @FunctionalInterface
    public interface Use {
        /** Returns a result, or null. */
        Object with(LoadedModel model) throws Exception;
    }

    /**
     * How far a pipeline is.
     *
     * @param done models finished
     * @param of models in all
     * @param name the model it is at, {@code ""} when all are finished
     */
    public record Progress(int done, int of, String name) {}

    private final List<Step> steps = new ArrayList<>();
    private boolean keep;
    private boolean keepLoaded;
    private Consumer<Progress> progress = at -> {};

    /**
     * Adds a model.
     *
     * @throws IllegalArgumentException if one of the three is null or the name is blank; the pipeline is as before
     */
    public Pipeline then(String name, Callable<LoadedModel> load, Use use) {
        String missing = name == null || name.isBlank()
                ? "a name for its report"
                : load == null ? "what loads it" : use == null ? "what is done with it" : null;
        if (missing != null) {
            throw new IllegalArgumentException(
                    "then(" + (name == null ? "null" : '"' + name + '"') + ", "
                            + (load == null ? "null" : "load") + ", " + (use == null ? "null" : "use") + "): " + missing
                            + " is missing. Give all three, then(\"age\", () -> load(\"age\", path), model -> model.predict(…)).");
        }
        steps.add(new Step(name, load, use));
        return this;
    }

    /** Keeps what each model's use returns; otherwise it is dropped with the model. */
    public Pipeline keepResults() {
        keep = true;
        return this;
    }

    /** Releases no model before all have run: the picture without the remedy. */
    public Pipeline keepLoaded() {
        keepLoaded = true;
        return this;
    }

    /** Is told before each model and at the end, what a progress bar needs; a listener that throws is dropped. */
    public Pipeline onProgress(Consumer<Progress> listener) {
        progress = listener;
        return this;
    }

    /** "Pipeline of 2 models: age, cancer. run() runs them, each released before the next." */
    @Override
    public String toString() {
        if (steps.isEmpty()) {
            return "Pipeline of no models yet: add some with then(\"age\", () -> load(\"age\", path), model -> …).";
        }
        return "Pipeline of " + steps.size() + (steps.size() == 1 ? " model: " : " models: ")
                + steps.stream().map(Step::name).collect(Collectors.joining(", ")) + ". run() runs them, "
                + (keepLoaded ? "and releases them at the end." : "each released before the next.");
    }

    /**
     * Runs all models in order.
     *
     * @throws IllegalStateException if no model was added
     */
    public PipelineReport run() {
        if (steps.isEmpty()) {
            throw new IllegalStateException(
                    "The pipeline has no models: add some with then(\"age\", () -> load(\"age\", path), model -> …).");
        }
        NDManager results = NDManager.newBaseManager("PyTorch");
        results.setName("pipeline results");
        List<PipelineReport.Stage> stages = new ArrayList<>();
        Map<Integer, LoadedModel> kept = new LinkedHashMap<>();
        boolean interrupted = false;
        for (Step step : steps) {
            tell(new Progress(stages.size(), steps.size(), step.name()));
            PipelineReport.Stage stage = run(step, results, model -> kept.put(stages.size(), model));
            stages.add(stage);
            interrupted = stage.failure().filter(Pipeline::interrupts).isPresent();
            if (interrupted) {
                break;
            }
        }
        kept.forEach((index, model) -> stages.set(index, released(stages.get(index), model)));
        tell(new Progress(stages.size(), steps.size(), ""));
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return new PipelineReport(stages, results);
    }

    private static boolean interrupts(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof InterruptedException) {
                return true;
            }
        }
        return false;
    }

    private void tell(Progress at) {
        try {
            progress.accept(at);
        } catch (RuntimeException | LinkageError e) {
            progress = none -> {}; // a display that fails must not lose results
        }
    }

    private PipelineReport.Stage run(Step step, NDManager results, Consumer<LoadedModel> kept) {
        Watch watch = Watch.start(step.name());
        Optional<Object> result = Optional.empty();
        Optional<Throwable> failure = Optional.empty();
        LoadedModel model = null;
        try {
            if (Thread.interrupted()) {
                throw new InterruptedException("interrupted before it was loaded");
            }
            model = step.load().call();
            if (model == null) {
                throw new IllegalStateException(
                        "What loads \"" + step.name() + "\" returned null: give the value that" + " load(…) returned.");
            }
            Object made = step.use().with(model);
            if (keep && made != null) {
                move(made, model, results);
                result = Optional.of(made);
            }
        } catch (Exception | AssertionError | VirtualMachineError | LinkageError e) {
            failure = Optional.of(e);
            if (interrupts(e)) {
                Thread.interrupted(); // until all is released: waiting for the collector ends at once with it
            }
        }
        Optional<ReleaseReport> released = Optional.empty();
        try {
            if (keepLoaded && model != null) {
                kept.accept(model);
            } else if (model != null && !model.isReleased()) {
                released = Optional.of(model.release());
            } else {
                Cleanup.now();
            }
        } catch (RuntimeException | LinkageError e) {
            failure = Optional.of(failure.orElse(e));
        }
        Peak peak = watch.stop();
        OptionalLong loaded =
                model == null ? OptionalLong.empty() : model.after().rss();
        OptionalLong weights = model == null ? OptionalLong.empty() : model.weights();
        return new PipelineReport.Stage(step.name(), weights, loaded, result, failure, peak, released);
    }

    /** Releases a model that was kept loaded; one that cannot be must lose nothing of the others. */
    private static PipelineReport.Stage released(PipelineReport.Stage stage, LoadedModel model) {
        try {
            model.close();
            return stage;
        } catch (RuntimeException | LinkageError e) {
            return stage.failed(e);
        }
    }

    /** Takes what a result holds out of the model's release: arrays in collections and records too, parameters never. */
    private static void move(Object made, LoadedModel model, NDManager results) {
        Set<Object> held = Holders.referred(made)
                .orElseThrow(() -> new IllegalStateException("The result of \"" + model.name() + '"' + Holders.TOO_MUCH
                        + " Return the arrays alone, in an NDList or a list."));
        if (made instanceof NDList || made instanceof NDArray) {
            held.forEach(each -> ((NDArray) each).attach(results));
        } else if (!model.isReleased()) {
            held.removeAll(Holders.referred(model.block()).orElse(Set.of()));
            for (Object each : held) {
                if (each instanceof NDArray array
                        && LiveArrays.isOpen(array)
                        && isBelow(array.getManager(), model.model().getNDManager())) {
                    array.attach(results);
                }
            }
        }
    }

    private static boolean isBelow(NDManager manager, NDManager top) {
        for (NDManager up = manager; up != null; up = up.getParentManager()) {
            if (up == top) {
                return true;
            }
        }
        return false;
    }
}

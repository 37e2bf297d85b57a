package io.headroom.model;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.Translator;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * A model in memory, and all that hangs on it: predictors, inputs, predictions, released as one.
 *
 * <p>Arrays made with {@link #manager()} and the results of {@link #predict} belong to the model and go with it; detach
 * a result to keep it. Releasing twice is an error; {@link #close()} after a release does nothing, so
 * try-with-resources and an explicit release go together. Predicting is for one thread at a time.
 *
 * <pre>{@code
 * try (LoadedModel age = Models.load("age", path)) {
 *     NDList years = age.predict(new NDList(age.manager().create(samples)));
 * }
 * }</pre>
 */
public final class LoadedModel implements AutoCloseable {
    private final String name;
    private final OptionalLong weights;
    private final Reading before;
    private final Reading after;
    private final List<Predictor<?, ?>> predictors = new ArrayList<>();
    private Model model;
    private NDManager manager;
    private Predictor<NDList, NDList> plain;
    private LocalTime releasedAt;

    LoadedModel(String name, Model model, OptionalLong weights, Reading before, Reading after) {
        this.name = name;
        this.model = model;
        this.weights = weights;
        this.before = before;
        this.after = after;
        this.manager = model.getNDManager().newSubManager();
        this.manager.setName(name + " data");
    }

    /** The name it was loaded under. */
    public String name() {
        return name;
    }

    /** Bytes of the weights, from the file's header; absent where the file does not say. */
    public OptionalLong weights() {
        return weights;
    }

    /** The process just before the load. */
    public Reading before() {
        return before;
    }

    /** The process just after the load. */
    public Reading after() {
        return after;
    }

    /** Bytes the resident set grew by while loading; absent where the system does not say. */
    public OptionalLong added() {
        return before.rss().isPresent() && after.rss().isPresent()
                ? OptionalLong.of(after.rss().getAsLong() - before.rss().getAsLong())
                : OptionalLong.empty();
    }

    /** Devices' memory before and after the load; none where no device's changed. */
    public List<DeviceChange> devices() {
        return DeviceChange.between(before, after);
    }

    /** Whether it has been released. */
    public synchronized boolean isReleased() {
        return model == null;
    }

    /**
     * The DJL model.
     *
     * @throws IllegalStateException if it was released
     */
    public synchronized Model model() {
        if (model == null) {
            throw new IllegalStateException("The model \"" + name + "\" was released at " + releasedAt
                    + ": it is no longer in memory. Load it again with load(\"" + name + "\", …).");
        }
        return model;
    }

    /** The block that holds the parameters. */
    public Block block() {
        return model().getBlock();
    }

    /** A manager for this model's inputs; closed with it. */
    public synchronized NDManager manager() {
        model();
        return manager;
    }

    /** A predictor with a translator of one's own; closed with the model. */
    public synchronized <I, O> Predictor<I, O> newPredictor(Translator<I, O> translator) {
        Predictor<I, O> predictor = model().newPredictor(translator);
        predictors.add(predictor);
        return predictor;
    }

    /**
     * Runs the model once.
     *
     * @param input what the block takes; it stays open
     * @return the output, owned by this model's {@link #manager()}
     * @throws ModelException if the model cannot take such an input; names its shapes
     * @throws IllegalStateException if it was released
     */
    public synchronized NDList predict(NDList input) {
        model();
        if (input == null || input.isEmpty()) {
            throw new IllegalArgumentException("The model \"" + name + "\" was given "
                    + (input == null ? "null" : "an empty list")
                    + " as input: give it at least one NDArray, new NDList(manager.create(…)).");
        }
        for (NDArray array : input) {
            if (array.getDataType() == DataType.BFLOAT16) {
                throw new ModelException("The model \"" + name + "\" was given a BFLOAT16 input " + array.getShape()
                        + ", which would end the whole JVM in this version of DJL. Convert it first: toType(DataType.FLOAT32,"
                        + " false).");
            }
        }
        if (plain == null) {
            plain = newPredictor(new NoopTranslator());
        }
        try {
            NDList output = plain.predict(input);
            output.attach(manager);
            return output;
        } catch (Exception e) {
            if (outOfMemory(e)) {
                throw e instanceof RuntimeException failure ? failure : new IllegalStateException(Models.reason(e), e);
            }
            throw new ModelException(
                    "The model \"" + name + "\" cannot run on input " + shapes(input) + ": " + Models.reason(e)
                            + expected() + " It is still loaded.",
                    e);
        }
    }

    /**
     * Gives everything back: predictors, predictions, inputs, weights, then the heap, the device cache and malloc's free
     * pages.
     *
     * @return what came back and what did not
     * @throws IllegalStateException if it was released before
     * @throws ModelException if one of its parts could not be closed; all others were, and it is released
     */
    public ReleaseReport release() {
        return release(List.of());
    }

    /**
     * The same, and looks through the notebook's variables for those that still hold arrays.
     *
     * @param variables the notebook's variables, temporaries too
     */
    public ReleaseReport release(List<Variable> variables) {
        Reading held;
        Optional<ModelException> failure;
        synchronized (this) {
            model();
            held = Reading.now("before releasing " + name);
            failure = drop();
        }
        ReleaseReport report = ReleaseReport.of(this, held, variables);
        if (failure.isPresent()) {
            throw failure.get();
        }
        return report;
    }

    /** Releases the model if it still is in memory. */
    @Override
    public void close() {
        Optional<ModelException> failure;
        synchronized (this) {
            if (model == null) {
                return;
            }
            failure = drop();
        }
        Cleanup.now();
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    /** Closes every part, whichever fails. */
    private Optional<ModelException> drop() {
        List<AutoCloseable> parts = new ArrayList<>(predictors);
        parts.add(manager);
        parts.add(model);
        predictors.clear();
        plain = null;
        manager = null;
        model = null;
        releasedAt = LocalTime.now().truncatedTo(ChronoUnit.SECONDS);
        Models.forget(this);
        ModelException failure = null;
        for (AutoCloseable part : parts) {
            try {
                part.close();
            } catch (Exception | LinkageError e) {
                if (failure == null) {
                    failure = new ModelException(
                            "The model \"" + name + "\" is released, but a part of it could not be closed: "
                                    + Models.reason(e) + " Its memory may stay until the kernel ends.",
                            e);
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        return Optional.ofNullable(failure);
    }

    private String expected() {
        try {
            var described = block().describeInput();
            return described == null || described.isEmpty()
                    ? " Check the input's shape against the one the model was exported with."
                    : " It was saved for input "
                            + described.stream()
                                    .map(pair -> String.valueOf(pair.getValue()))
                                    .collect(Collectors.joining(", "))
                            + ".";
        } catch (RuntimeException e) {
            return " Check the input's shape against the one the model was exported with.";
        }
    }

    private static boolean outOfMemory(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            String text = String.valueOf(each.getMessage());
            if (text.contains("allocate memory")
                    || text.contains("out of memory")
                    || text.contains("not enough memory")) {
                return true;
            }
        }
        return false;
    }

    private static String shapes(NDList input) {
        return input.stream()
                .map(array ->
                        array.getShape() + " " + array.getDataType().name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
    }

    /** {@code age: weights 200.06 MiB · process +204.11 MiB · head-room 6.10 GiB}. */
    @Override
    public String toString() {
        StringBuilder line = new StringBuilder(name).append(':');
        weights.ifPresent(
                bytes -> line.append(" weights ").append(Bytes.format(bytes)).append(" ·"));
        added().ifPresent(bytes ->
                line.append(" process ").append(Bytes.formatSigned(bytes)).append(" ·"));
        devices().stream().filter(device -> device.added() != 0).forEach(device -> line.append(' ')
                .append(device.device())
                .append(' ')
                .append(Bytes.formatSigned(device.added()))
                .append(device.own() ? "" : " (all processes)")
                .append(" ·"));
        after.headroom()
                .ifPresent(bytes ->
                        line.append(" head-room ").append(Bytes.format(bytes)).append(" ·"));
        String text = line.substring(0, line.length() - (line.toString().endsWith("·") ? 2 : 0));
        return isReleased() ? text + " (released)" : text;
    }
}

package io.headroom.training;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.training.initializer.Initializer;
import ai.djl.util.Pair;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * DJL's trainer with the remedies that belong to the training loop: gradient accumulation, clipping by norm,
 * half precision, checkpointed and chunked blocks.
 *
 * <p>Works with {@code EasyTrain.fit} and with hand-written loops, because it answers the same three calls: {@code
 * newGradientCollector()}, {@code forward}, {@code step()}. With {@link #accumulate(int) accumulate(n)} each loss is
 * divided by {@code n}, and only every {@code n}-th {@code step()} clips, updates and zeroes: the gradients are those of
 * one batch {@code n} times as large, when the loss is a mean over the batch (DJL's are) and no layer mixes samples (batch
 * norm does).
 *
 * <pre>{@code
 * try (Trainer trainer = HeadroomTrainer.of(model, config).accumulate(4).clipNorm(1f)) {
 *     trainer.initialize(new Shape(8, 80, 7));
 *     EasyTrain.fit(trainer, 5, dataset, null);       // batches of 8, updates as of 32
 * }
 * }</pre>
 *
 * <p>When a forward or backward pass fails (out of memory, an interrupted cell), the gradients gathered for this step are
 * zeroed and batch norm's running statistics put back: the state is as before the step, the weights untouched. When the
 * optimizer's update fails, what it has updated stays so and the gradients are zeroed. A thread that was interrupted gets a
 * {@link java.util.concurrent.CancellationException} at its next batch, and between two segments or micro-batches. One device,
 * one thread, as {@link Trainer}.
 */
public final class HeadroomTrainer extends Trainer {
    private final Block block;
    private int steps = 1;
    private int gathered;
    private float maxNorm;
    private boolean forwarded;
    private boolean begun;
    private RunningStatistics before;
    private HalfPrecision half;
    private long skipped;
    private long updates;
    private Consumer<String> messages = System.out::println;

    private HeadroomTrainer(Model model, TrainingConfig config) {
        super(model, config);
        block = model.getBlock();
    }

    /**
     * A trainer for a model, as {@code model.newTrainer(config)} makes it.
     *
     * @throws IllegalArgumentException if the configuration names several devices, or another than the model's
     * @throws UnsupportedOperationException if the model does not run on PyTorch
     */
    public static HeadroomTrainer of(Model model, TrainingConfig config) {
        Objects.requireNonNull(
                model.getBlock(), "the model has no block: call model.setBlock(…) before making a trainer.");
        Autograd.requirePyTorch(model.getNDManager().getEngine(), "HeadroomTrainer");
        Device home = model.getNDManager().getDevice();
        if (config.getDevices().length != 1 || !config.getDevices()[0].equals(home)) {
            throw new IllegalArgumentException("the configuration trains on "
                    + java.util.Arrays.toString(config.getDevices()) + ", the model lives on " + home
                    + ": add optDevices(new Device[] {model.getNDManager().getDevice()}).");
        }
        for (Pair<Initializer, Predicate<Parameter>> pair : config.getInitializers()) {
            if (pair.getKey() != null && pair.getValue() != null) {
                model.getBlock().setInitializer(pair.getKey(), pair.getValue());
            }
        }
        return new HeadroomTrainer(model, config);
    }

    /**
     * Updates the weights at every {@code steps}-th {@code step()} only.
     *
     * @throws IllegalArgumentException if steps is below 1
     * @throws IllegalStateException in the middle of an accumulated step
     */
    public HeadroomTrainer accumulate(int steps) {
        if (steps < 1) {
            throw new IllegalArgumentException(
                    "accumulation steps = " + steps + ": use 1 (every batch updates) or more.");
        }
        requireBetweenSteps("accumulate(" + steps + ")");
        this.steps = steps;
        return this;
    }

    /**
     * Scales the gathered gradients down to this Euclidean norm before an update, as {@code
     * torch.nn.utils.clip_grad_norm_}.
     *
     * @throws IllegalArgumentException if the norm is not above 0
     */
    public HeadroomTrainer clipNorm(float maxNorm) {
        if (!(maxNorm > 0)) {
            throw new IllegalArgumentException("clipping norm = " + maxNorm + ": use a number above 0, such as 1.");
        }
        this.maxNorm = maxNorm;
        return this;
    }

    /**
     * Computes in fp16 over fp32 weights, with a loss scale that adapts: a step whose gradients overflow is skipped and told,
     * and the scale halves; after 2 000 good steps it doubles. {@code step()} throws where they are not finite at scale 1 (a NaN
     * loss). Token ids in floats above 2 048 are not cast where the block has an embedding.
     *
     * @throws UnsupportedOperationException for a TorchScript model, whose weights cannot be cast; a layer without an fp16
     *     kernel is told by the first {@code forward}
     */
    public HeadroomTrainer halfPrecision() {
        return precision(DataType.FLOAT16);
    }

    /**
     * Computes in this data type: float16 as {@link #halfPrecision()}, float32 as it was.
     *
     * @throws IllegalArgumentException for any other type; bfloat16 ends the whole process in DJL 0.35.1
     */
    public HeadroomTrainer precision(DataType type) {
        requireBetweenSteps("precision(" + type + ")");
        if (type == DataType.FLOAT32) {
            half = null;
            return this;
        }
        HalfPrecision.check(block, type);
        half = new HalfPrecision(getManager());
        return this;
    }

    /** The present loss scale; 1 in fp32. */
    public float lossScale() {
        return half == null ? 1 : half.scale();
    }

    /** Steps skipped because their fp16 gradients overflowed. */
    public long skipped() {
        return skipped;
    }

    /** Where to tell what the trainer did on its own: a skipped step, dropped gradients; {@code System.out} by default. */
    public HeadroomTrainer tell(Consumer<String> messages) {
        this.messages =
                Objects.requireNonNull(messages, "messages is null: give a Consumer such as System.out::println.");
        return this;
    }

    /** Batches gathered since the last update. */
    public int gathered() {
        return gathered;
    }

    @Override
    public GradientCollector newGradientCollector() {
        endIfInterrupted();
        if (gathered == 0 && !begun) {
            remember();
        }
        forwarded = false;
        return new StepCollector(super.newGradientCollector());
    }

    @Override
    public NDList forward(NDList data) {
        forwarded = true;
        return half == null ? super.forward(data) : half.forward(block, data, true);
    }

    @Override
    public NDList forward(NDList data, NDList labels) {
        forwarded = true;
        return half == null ? super.forward(data, labels) : half.forward(block, data, labels);
    }

    /** Counts a batch; at the last of an accumulated step clips, updates and zeroes. */
    @Override
    public void step() {
        gathered++;
        if (gathered >= steps) {
            update();
        }
    }

    /** Updates with what is gathered, as if the step were that long: for the rest at the end of an epoch. */
    public void flush() {
        if (gathered > 0 && gathered < steps) {
            scaleGradients((float) steps / gathered);
            update();
        }
    }

    /** Drops what is gathered: gradients zero, running statistics as before the step. */
    public void discard() {
        Autograd.zeroGradients(block);
        if (before != null) {
            before.restore();
        }
        gathered = 0;
        begun = false;
    }

    @Override
    public void close() {
        between();
        super.close();
    }

    private void update() {
        updates++;
        double norm = half == null && maxNorm == 0 ? 0 : gradientNorm() / lossScale();
        float scale = lossScale();
        if (half != null && !accepts(norm)) {
            skipped++;
            Autograd.zeroGradients(block);
            between();
            messages.accept("Step " + updates + " was skipped: its fp16 gradients overflowed at loss scale "
                    + (long) scale + ". The scale is now " + (long) half.scale() + ", the weights are as before.");
            return;
        }
        double factor = (maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1) / scale;
        if (factor != 1) {
            scaleGradients((float) factor);
        }
        try {
            super.step();
        } catch (RuntimeException | Error failed) {
            // Gradients that stayed would be added to those of the next step.
            Autograd.zeroGradients(block);
            messages.accept("Update " + updates + " failed part-way: some layers have taken it, others not, and its"
                    + " gradients were dropped. An optimizer makes its state in the first update: SGD needs none.");
            throw failed;
        } finally {
            between();
        }
    }

    /** The next step has not begun: what was there before the last one is no longer what to go back to. */
    private void between() {
        gathered = 0;
        begun = false;
        if (before != null) {
            before.close();
            before = null;
        }
    }

    private boolean accepts(double norm) {
        try {
            return half.accept(norm);
        } catch (IllegalStateException e) {
            discard();
            throw e;
        }
    }

    /** Between two batches, so that a loop ends with the cell whose kernel can only ask a thread to stop. */
    private void endIfInterrupted() {
        if (Thread.currentThread().isInterrupted() && (gathered > 0 || begun)) {
            messages.accept("Interrupted with " + gathered + " of " + steps
                    + " batches gathered: their gradients were dropped, the weights are as before.");
            discard();
        }
        Interrupts.check("between two batches: the weights are those of the last update");
    }

    private void remember() {
        if (before != null) {
            before.close();
        }
        before = RunningStatistics.of(block);
    }

    private double gradientNorm() {
        double squares = 0;
        for (Parameter parameter : Autograd.trainable(block)) {
            try (NDArray gradient = Autograd.gradient(parameter.getArray())) {
                if (gradient != null) {
                    try (NDArray norm = gradient.norm()) {
                        squares += Math.pow(norm.getFloat(), 2);
                    }
                }
            }
        }
        return Math.sqrt(squares);
    }

    private void scaleGradients(float factor) {
        for (Parameter parameter : Autograd.trainable(block)) {
            try (NDArray gradient = Autograd.gradient(parameter.getArray())) {
                if (gradient != null) {
                    gradient.muli(factor);
                }
            }
        }
    }

    private void requireBetweenSteps(String what) {
        if (gathered != 0) {
            throw new IllegalStateException(what + " in the middle of a step (" + gathered + " of " + steps
                    + " batches gathered): call flush() or discard() first.");
        }
    }

    private final class StepCollector implements GradientCollector {
        private final GradientCollector engine;
        private final Replay replay = Replay.open();
        private boolean complete;

        private StepCollector(GradientCollector engine) {
            this.engine = engine;
        }

        @Override
        public void backward(NDArray target) {
            complete = false;
            forwarded = true;
            float factor = lossScale() / steps;
            if (factor == 1) {
                replay.backward(engine, target);
            } else {
                try (NDArray share = target.mul(factor)) {
                    replay.backward(engine, share);
                }
            }
            complete = true;
            begun = true;
        }

        @Override
        public void zeroGradients() {
            discard();
        }

        @Override
        public void close() {
            replay.close();
            engine.close();
            if (forwarded && !complete) {
                discard();
                messages.accept("The step failed before its backward pass was complete: its gradients were dropped,"
                        + " the weights are as before.");
            }
            forwarded = false;
        }
    }
}

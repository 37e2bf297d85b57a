package io.headroom.training;

import ai.djl.engine.Engine;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import io.headroom.memory.LiveArrays;
import io.headroom.units.Bytes;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongUnaryOperator;

/**
 * Runs a step with the batch that fits: after an out-of-memory error it tries again with less, and says so.
 *
 * <p>With a prediction the second attempt is the largest batch predicted to fit, so mostly one failure is enough; without
 * one the batch halves, 64 → 32 → 16 → 8. The size that fitted is kept for the next steps. {@link #train} shrinks the
 * micro-batch only: the update stays that of the whole batch, and a failed attempt leaves weights, gradients and running
 * statistics as before the step.
 *
 * <pre>{@code
 * ShrinkingBatch shrinking = ShrinkingBatch.from(64)
 *         .predict(batch -> Estimate.of(step.batch(batch)).upperBytes(), limit);
 * for (Batch batch : trainer.iterateDataset(dataset)) {
 *     shrinking.train(trainer, batch);       // prints: Batch 64 does not fit; trying 32 (predicted …)
 *     trainer.step();
 *     batch.close();
 * }
 * }</pre>
 *
 * <p>Messages go to {@code System.out} unless {@link #tell} says otherwise: a batch never shrinks silently. One thread.
 */
public final class ShrinkingBatch {
    private static final String LEFT = "What is left to try: shorter sequences, gradient checkpointing"
            + " (Checkpointing.of), half precision (HeadroomTrainer.halfPrecision), LoRA (Lora.of), chunked attention"
            + " (ChunkedAttention.of), a smaller width, or the CPU if this is a GPU.";

    private long batch;
    private int failures;
    private LongUnaryOperator prediction;
    private long limitBytes;
    private Consumer<String> messages = System.out::println;

    private ShrinkingBatch(long batch) {
        this.batch = batch;
    }

    /**
     * Begins with this batch.
     *
     * @throws IllegalArgumentException if it is below 1
     */
    public static ShrinkingBatch from(long batch) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch = " + batch + ": begin with 1 or more.");
        }
        return new ShrinkingBatch(batch);
    }

    /** Jumps to the largest batch whose predicted bytes are within the limit; bytes must grow with the batch. */
    public ShrinkingBatch predict(LongUnaryOperator bytesOfBatch, long limitBytes) {
        this.prediction = Objects.requireNonNull(bytesOfBatch, "bytesOfBatch is null: give a prediction in bytes.");
        this.limitBytes = limitBytes;
        return this;
    }

    /** Where to tell that the batch shrinks. */
    public ShrinkingBatch tell(Consumer<String> messages) {
        this.messages = Objects.requireNonNull(messages, "messages is null: a batch must not shrink silently.");
        return this;
    }

    /** The batch of the next attempt. */
    public long batch() {
        return batch;
    }

    /** Out-of-memory errors met so far. */
    public int failures() {
        return failures;
    }

    /**
     * Runs an attempt with the present batch until it fits. The attempt must leave its state as it was when it fails.
     *
     * @throws IllegalStateException if a batch of 1 does not fit; says what is left to try, its cause is the last error
     * @throws java.util.concurrent.CancellationException if the thread was interrupted between two attempts
     */
    public <T> T run(LongFunction<T> attempt) {
        return run(LongUnaryOperator.identity(), attempt);
    }

    private <T> T run(LongUnaryOperator whatRuns, LongFunction<T> attempt) {
        while (true) {
            long tried = whatRuns.applyAsLong(batch);
            Interrupts.check("before batch " + tried + " was tried");
            try {
                return attempt.apply(tried);
            } catch (RuntimeException | OutOfMemoryError e) {
                if (!isOutOfMemory(e)) {
                    throw e;
                }
                failures++;
                shrink(tried, whatRuns, e);
            }
        }
    }

    /**
     * Trains one batch in micro-batches that fit, as few and as even as can be, each weighted by its samples; {@code
     * trainer.step()} follows as usual.
     *
     * @return the mean loss over the batch
     * @throws IllegalStateException if a single sample does not fit; the state is as before the step
     */
    public float train(Trainer trainer, Batch data) {
        long size = data.getData().head().getShape().get(0);
        return run(
                atMost -> ceil(size, ceil(size, Math.min(size, atMost))),
                micro -> MicroBatches.slices(trainer, data, Math.toIntExact(ceil(size, micro))));
    }

    /** Whether an error says that memory ran out, in PyTorch's, the C++ library's, cuBLAS', cuDNN's or Java's words. */
    public static boolean isOutOfMemory(Throwable error) {
        Throwable at = error;
        for (int depth = 0; at != null && depth < 20; depth++, at = at.getCause()) {
            String text = String.valueOf(at.getMessage()).toLowerCase(Locale.ROOT);
            if (at instanceof OutOfMemoryError
                    || text.contains("out of memory")
                    || text.contains("can't allocate memory")
                    || text.contains("not enough memory")
                    || text.contains("std::bad_alloc")
                    || text.contains("_status_alloc_failed")) {
                return true;
            }
        }
        return false;
    }

    private void shrink(long failed, LongUnaryOperator whatRuns, Throwable cause) {
        if (LiveArrays.engineRuns()) {
            CacheEmptying.now(Engine.getInstance().getDevices());
        }
        if (failed == 1) {
            throw new IllegalStateException("a batch of 1 still does not fit. " + LEFT, cause);
        }
        boolean predicts = prediction != null && prediction.applyAsLong(failed) > limitBytes;
        batch = whatRuns.applyAsLong(predicts ? predicted(failed) : failed / 2);
        long bytes = predicts ? prediction.applyAsLong(batch) : 0;
        String why = !predicts
                ? "half"
                : (bytes <= limitBytes ? "predicted " : "none is predicted to fit: ") + Bytes.format(bytes) + " of "
                        + Bytes.format(limitBytes);
        messages.accept("Batch " + failed + " does not fit; trying " + batch + " (" + why + ").");
    }

    /** The largest batch below the failed one that is predicted to fit; 1 where none is. */
    private long predicted(long failed) {
        long low = 1;
        long high = failed;
        while (high - low > 1) {
            long middle = (low + high) >>> 1;
            if (prediction.applyAsLong(middle) <= limitBytes) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static long ceil(long size, long parts) {
        return (size + parts - 1) / parts;
    }
}

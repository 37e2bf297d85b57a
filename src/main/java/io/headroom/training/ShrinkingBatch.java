package io.headroom.training;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import io.headroom.memory.NativeTrim;
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
 *     shrinking.train(trainer, batch);       // prints: batch 64 does not fit …; trying 49, predicted 8.91 GiB
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
     */
    public <T> T run(LongFunction<T> attempt) {
        while (true) {
            try {
                return attempt.apply(batch);
            } catch (RuntimeException | OutOfMemoryError e) {
                if (!isOutOfMemory(e)) {
                    throw e;
                }
                failures++;
                shrink(e);
            }
        }
    }

    /**
     * Trains one batch in micro-batches that fit; {@code trainer.step()} follows as usual.
     *
     * @return the mean loss over the batch
     * @throws IllegalStateException if a single sample does not fit; the state is as before the step
     */
    public float train(Trainer trainer, Batch data) {
        long size = data.getData().head().getShape().get(0);
        return run(micro -> MicroBatches.train(trainer, data, (int) (size / divisor(size, micro))));
    }

    /** Whether an error says that memory ran out, in any backend's words. */
    public static boolean isOutOfMemory(Throwable error) {
        Throwable at = error;
        for (int depth = 0; at != null && depth < 20; depth++, at = at.getCause()) {
            String text = String.valueOf(at.getMessage()).toLowerCase(Locale.ROOT);
            if (at instanceof OutOfMemoryError
                    || text.contains("out of memory")
                    || text.contains("can't allocate memory")
                    || text.contains("not enough memory")
                    || text.contains("cublas_status_alloc_failed")) {
                return true;
            }
        }
        return false;
    }

    private void shrink(Throwable cause) {
        NativeTrim.now();
        if (batch == 1) {
            throw new IllegalStateException("a batch of 1 still does not fit. " + LEFT, cause);
        }
        long next = predicted();
        String why = next > 0
                ? "predicted " + Bytes.format(prediction.applyAsLong(next)) + " of " + Bytes.format(limitBytes)
                : "half";
        next = next > 0 ? next : batch / 2;
        messages.accept("Batch " + batch + " does not fit; trying " + next + " (" + why + ").");
        batch = next;
    }

    /** The largest smaller batch that is predicted to fit; 0 without a prediction, or where it had said the failed one fits. */
    private long predicted() {
        if (prediction == null || prediction.applyAsLong(batch) <= limitBytes) {
            return 0;
        }
        long low = 1;
        long high = batch;
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

    private static long divisor(long size, long atMost) {
        for (long micro = Math.min(size, atMost); micro > 1; micro--) {
            if (size % micro == 0) {
                return micro;
            }
        }
        return 1;
    }
}

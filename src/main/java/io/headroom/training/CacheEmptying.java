package io.headroom.training;

import ai.djl.Device;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;
import io.headroom.memory.NativeTrim;
import java.util.Arrays;

/**
 * Gives memory that the allocator keeps for itself back to the system, every few batches and at each end of an epoch.
 *
 * <p>On the CPU that is {@code malloc_trim}, on CUDA PyTorch's {@code empty_cache}. Live arrays are never touched; the next
 * allocations ask the system again, so every batch would cost speed.
 *
 * <pre>{@code
 * config.addTrainingListeners(new CacheEmptying(10));
 * }</pre>
 *
 * <p>One trainer, one thread.
 */
public final class CacheEmptying extends TrainingListenerAdapter {
    private final int batches;
    private long seen;
    private long emptied;
    private long returned;

    /** @throws IllegalArgumentException if batches is below 1 */
    public CacheEmptying(int batches) {
        if (batches < 1) {
            throw new IllegalArgumentException(
                    "batches = " + batches + ": empty the cache every 1 batch or more, such as 10.");
        }
        this.batches = batches;
    }

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        if (++seen % batches == 0) {
            empty(trainer.getDevices());
        }
    }

    @Override
    public void onEpoch(Trainer trainer) {
        empty(trainer.getDevices());
    }

    /** How often the cache was emptied. */
    public long emptied() {
        return emptied;
    }

    /** Bytes that came back on the CPU, as far as the system tells. */
    public long returnedBytes() {
        return returned;
    }

    private void empty(Device... devices) {
        emptied++;
        returned += now(devices);
    }

    static long now(Device... devices) {
        if (Arrays.stream(devices).anyMatch(Device::isGpu)) {
            JniUtils.emptyCudaCache();
        }
        return NativeTrim.now().orElse(0);
    }
}

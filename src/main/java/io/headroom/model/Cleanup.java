package io.headroom.model;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import io.headroom.memory.NativeTrim;

/**
 * Empties every cache between the program and the system: heap (collected twice, so that the direct buffers behind CPU
 * NDArrays go too), CUDA's caching allocator, malloc's free pages.
 */
public final class Cleanup {
    private static final int PAUSE_MILLIS = 20;

    private Cleanup() {}

    /** Cleans up now; takes as long as two full collections. */
    public static void now() {
        System.gc();
        pause();
        System.gc();
        pause();
        if (engineHasGpu()) {
            JniUtils.emptyCudaCache();
        }
        NativeTrim.now();
    }

    /** The JVM frees direct buffers on a thread of its own, just after a collection. */
    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean engineHasGpu() {
        return Engine.hasEngine("PyTorch") && Engine.getEngine("PyTorch").getGpuCount() > 0;
    }
}

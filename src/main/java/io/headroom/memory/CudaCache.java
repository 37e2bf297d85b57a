package io.headroom.memory;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;

/**
 * Gives the free blocks of CUDA's caching allocator back to the device: PyTorch's {@code empty_cache}.
 *
 * <pre>{@code
 * CudaCache.empty();   // false: no engine runs, or it has no GPU
 * }</pre>
 */
public final class CudaCache {
    private CudaCache() {}

    /** Empties the cache; false, and nothing is done, where no engine runs or it has no GPU. Starts no engine. Any thread. */
    public static boolean empty() {
        boolean cuda = ManagerTree.engine().map(Engine::getGpuCount).orElse(0) > 0;
        if (cuda) {
            JniUtils.emptyCudaCache();
        }
        return cuda;
    }
}

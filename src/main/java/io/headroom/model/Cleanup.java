package io.headroom.model;

import io.headroom.memory.CudaCache;
import io.headroom.memory.NativeTrim;
import io.headroom.memory.Reading;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;

/**
 * Empties every cache between the program and the system: heap (collected twice, so that the direct buffers behind CPU
 * NDArrays go too), CUDA's caching allocator, malloc's free pages.
 */
public final class Cleanup {
    private static final long LONGEST_WAIT_MILLIS = 2_000;
    private static final int PAUSE_MILLIS = 10;
    private static final int STILL = 3;

    private Cleanup() {}

    /** Cleans up now; takes as long as two full collections and starts no engine. */
    public static void now() {
        collect();
        collect();
        CudaCache.empty();
        NativeTrim.now();
    }

    /**
     * Collects, then waits for the JVM's reference handler, which frees direct buffers on a thread of its own: until it
     * has delivered a reference of ours and the buffers' bytes no longer fall.
     */
    private static void collect() {
        ReferenceQueue<Object> queue = new ReferenceQueue<>();
        PhantomReference<Object> sentinel = new PhantomReference<>(new Object(), queue);
        System.gc();
        try {
            queue.remove(LONGEST_WAIT_MILLIS);
            long direct = direct();
            int still = 0;
            for (long waited = 0; still < STILL && waited < LONGEST_WAIT_MILLIS; waited += PAUSE_MILLIS) {
                Thread.sleep(PAUSE_MILLIS);
                long now = direct();
                still = now < direct ? 0 : still + 1;
                direct = now;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            Reference.reachabilityFence(sentinel);
        }
    }

    private static long direct() {
        return Reading.now().jvm().direct().orElse(0);
    }
}

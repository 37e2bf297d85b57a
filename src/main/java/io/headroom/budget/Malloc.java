package io.headroom.budget;

import io.headroom.memory.EngineEnvironment;

/** What glibc's malloc does with freed blocks, which decides how far above the estimate a peak on CPU can be. */
public enum Malloc {
    /** {@code MALLOC_MMAP_THRESHOLD_} is set: a freed block goes back at once, and peaks repeat. */
    THRESHOLDS_FIXED("malloc's thresholds fixed"),
    /** Nothing is set: blocks up to 32 MiB come to lie in arenas, whose pages stay with the process. */
    AS_IT_COMES("malloc as it comes");

    private static final Malloc HERE = EngineEnvironment.now().returnsFreedMemory() ? THRESHOLDS_FIXED : AS_IT_COMES;

    private final String words;

    Malloc(String words) {
        this.words = words;
    }

    /** That of this process. */
    public static Malloc here() {
        return HERE;
    }

    /** {@code "malloc as it comes"}. */
    @Override
    public String toString() {
        return words;
    }
}

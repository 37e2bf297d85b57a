package io.headroom.memory;

import java.util.OptionalLong;

/**
 * Gives the free pages malloc keeps back to the system: the CPU's {@code empty_cache}.
 *
 * <p>Calls glibc's {@code malloc_trim(0)}. What comes back was retention; what stays is live or leaked.
 *
 * <pre>{@code
 * NativeTrim.now();   // OptionalLong[322961408]: bytes the resident set fell by
 * }</pre>
 */
public final class NativeTrim {
    private NativeTrim() {}

    /** Trims all arenas; bytes the resident set fell by, absent where glibc is not the allocator. */
    public static OptionalLong now() {
        OptionalLong before = Readings.resident();
        if (!Libc.trim() || before.isEmpty()) {
            return OptionalLong.empty();
        }
        OptionalLong after = Readings.resident();
        return after.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(Math.max(0, before.getAsLong() - after.getAsLong()));
    }
}

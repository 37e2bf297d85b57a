package io.headroom.units;

import java.util.OptionalLong;

/**
 * Whole numbers as JSON may write them: {@code 100}, {@code 100.0} and {@code 1e2} are one.
 *
 * <pre>{@code
 * Whole.of(100.0);   // 100
 * Whole.of(4.5);     // empty
 * }</pre>
 *
 * <p>Stateless and safe for any number of threads.
 */
public final class Whole {
    /** Beyond this a {@code double} skips whole numbers. */
    private static final double EXACT = 1L << 53;

    private Whole() {}

    /** The whole number that a value is; empty if it is none, or a decimal too large to be exact. */
    public static OptionalLong of(Object value) {
        if (value instanceof Long || value instanceof Integer || value instanceof Short) {
            return OptionalLong.of(((Number) value).longValue());
        }
        if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            return number == Math.rint(number) && Math.abs(number) <= EXACT
                    ? OptionalLong.of((long) number)
                    : OptionalLong.empty();
        }
        return OptionalLong.empty();
    }
}

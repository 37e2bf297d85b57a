package io.headroom.budget;

import io.headroom.units.Bytes;

/** From an expected peak to the bound that measured peaks stay under, malloc thresholds fixed: see {@code docs/budget.md}. */
final class Interval {
    /** What the process itself adds to the tensors of a step: graph nodes, small blocks, thread buffers. */
    static final long PROCESS_BYTES = 2 * Bytes.MIB;

    private static final long RELATIVE_DIVISOR = 20;
    private static final long ELSEWHERE_DIVISOR = 5;
    private static final long ABSOLUTE_BYTES = 8 * Bytes.MIB;

    private Interval() {}

    static long upper(long expected) {
        return Bytes.plus(expected, expected / RELATIVE_DIVISOR, ABSOLUTE_BYTES);
    }

    /** On another device the operators are those of the CPU's kernels: close, not checked against it. */
    static long upperElsewhere(long expected) {
        return Bytes.plus(expected, expected / ELSEWHERE_DIVISOR, ABSOLUTE_BYTES);
    }
}

package io.headroom.budget;

import ai.djl.nn.Block;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Workload;

/** From an expected peak to the bound that measured peaks stay under: see {@code docs/budget.md}. */
final class Interval {
    /** What the process itself adds to the tensors of a step: graph nodes, small blocks, thread buffers. */
    static final long PROCESS_BYTES = 2 * Bytes.MIB;

    private static final int FIXED_PERCENT = 5;
    /** Fitted: the fewest fives of a percent above which no step of the grid's tuning half was, malloc as it comes. */
    private static final int AS_IT_COMES_PERCENT = 45;

    private static final int CONVOLUTIONS_PERCENT = 85;
    /** On another device the operators are those of the CPU's kernels: close, not checked against it. */
    private static final int ELSEWHERE_PERCENT = 20;

    private static final long ABSOLUTE_BYTES = 8 * Bytes.MIB;

    private Interval() {}

    static long upper(long expected, int percent) {
        return Bytes.plus(expected, expected / 100 * percent, expected % 100 * percent / 100, ABSOLUTE_BYTES);
    }

    static int percent(Workload work, Malloc malloc, boolean cpu) {
        if (!cpu) {
            return ELSEWHERE_PERCENT;
        }
        return switch (malloc) {
            case THRESHOLDS_FIXED -> FIXED_PERCENT;
            case AS_IT_COMES -> convolves(work) ? CONVOLUTIONS_PERCENT : AS_IT_COMES_PERCENT;
        };
    }

    /** Of a convolution the temporaries are as large as its activations, and in blocks that malloc keeps. */
    private static boolean convolves(Workload work) {
        return work.architecture() == Architecture.CNN
                || work.architecture() == Architecture.BLOCK && convolves(work.block());
    }

    private static boolean convolves(Block block) {
        return block.getClass().getPackageName().equals("ai.djl.nn.convolutional")
                || block.getChildren().values().stream().anyMatch(Interval::convolves);
    }
}

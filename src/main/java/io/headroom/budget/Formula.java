package io.headroom.budget;

import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import io.headroom.workload.step.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * The arithmetic a person can check by hand, with this workload's numbers in it, and beside it where it stops short.
 *
 * <pre>{@code
 * Formula.of(step).byHand().get(2);
 * // attention matrices, each layer: 64 × 25 × 8 × 80 × 80 × 4 B = 327.68 MB
 * }</pre>
 *
 * @param byHand input, activation, attention matrices, their gradient, one layer, all layers
 * @param real what a real step holds at its peak, by kind
 * @param byHandBytes the last line of the hand arithmetic
 * @param realBytes the estimate's peak
 */
public record Formula(List<Line> byHand, List<Line> real, long byHandBytes, long realBytes) {
    /**
     * One line: what, the numbers, the bytes they make.
     *
     * @param expression with the numbers substituted, empty where the line is a plain sum
     */
    public record Line(String item, String expression, long bytes) {}

    public Formula {
        byHand = List.copyOf(byHand);
        real = List.copyOf(real);
    }

    /** Writes the arithmetic of a transformer workload. */
    public static Formula of(Workload workload) {
        return of(Estimate.of(workload));
    }

    /**
     * Writes the arithmetic beside an estimate that is already there.
     *
     * @throws IllegalArgumentException if the workload is no transformer
     */
    public static Formula of(Estimate estimate) {
        Workload work = estimate.workload();
        if (work.architecture() != io.headroom.workload.Architecture.TRANSFORMER) {
            throw new IllegalArgumentException(
                    "the formula batch × nodes × heads × seq² is that of a transformer; use the estimate of this "
                            + work.architecture().name().toLowerCase(java.util.Locale.ROOT) + " instead.");
        }
        List<Line> hand = new ArrayList<>();
        int b = work.precision().activationBytes();
        long input = line(hand, "input", b, work.microBatch(), work.nodes(), work.seq(), work.features());
        long activation =
                line(hand, "activation, each layer", b, work.microBatch(), work.nodes(), work.seq(), work.dModel());
        long attention = line(
                hand,
                "attention matrices, each layer",
                b,
                work.microBatch(),
                work.nodes(),
                work.heads(),
                work.seq(),
                work.seq());
        hand.add(new Line("gradient of the activation", "as the activation", activation));
        long layer = Bytes.plus(activation, attention, activation);
        hand.add(new Line("one layer", "activation + attention + gradient", layer));
        long all = Bytes.plus(input, Bytes.times(work.layers(), layer));
        hand.add(new Line("all layers", "input + " + work.layers() + " × " + layer + " B", all));
        return new Formula(hand, real(estimate), all, estimate.peakAllocatedBytes());
    }

    private static List<Line> real(Estimate estimate) {
        List<Line> lines = new ArrayList<>();
        estimate.atPeak().forEach((kind, bytes) -> {
            if (bytes > 0) {
                lines.add(new Line(title(kind), "", bytes));
            }
        });
        lines.add(new Line(
                "peak, in " + estimate.peakPhase() + " at " + estimate.peakOperator(),
                "",
                estimate.peakAllocatedBytes()));
        return lines;
    }

    static String title(Kind kind) {
        return switch (kind) {
            case WEIGHTS -> "weights";
            case GRADIENTS -> "gradients";
            case OPTIMIZER -> "optimizer state";
            case INPUT -> "input and target";
            case ACTIVATIONS -> "activations kept by forward";
            case TEMPORARY -> "temporaries of the backward pass";
        };
    }

    private static long line(List<Line> lines, String item, int valueBytes, long... factors) {
        StringBuilder text = new StringBuilder();
        long[] all = java.util.Arrays.copyOf(factors, factors.length + 1);
        all[factors.length] = valueBytes;
        for (long factor : factors) {
            text.append(factor).append(" × ");
        }
        long bytes = Bytes.times(all);
        lines.add(new Line(item, text.append(valueBytes).append(" B").toString(), bytes));
        return bytes;
    }
}

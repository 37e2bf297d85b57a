package io.headroom.budget;

import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Attention;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.StepPlan;
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
 * @param byHand input, activation, attention matrices (none with sdpa, one piece of them with chunked), in training their gradient, one layer, all layers; of one device where several
 *     share the work
 * @param real what a real step holds at its peak, by kind
 * @param byHandBytes the last line of the hand arithmetic
 * @param realBytes the estimate's peak
 * @param growth how the attention term grows: {@code "linear in batch × nodes, quadratic in seq"}
 */
public record Formula(List<Line> byHand, List<Line> real, long byHandBytes, long realBytes, String growth) {
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

    private static final int TOKEN_BYTES = 8;
    private static final String MATRICES = "attention matrices, each layer";

    /** Writes the arithmetic of a workload with attention: a transformer or a graph attention network. */
    public static Formula of(Workload workload) {
        return of(Estimate.of(workload));
    }

    /**
     * Writes the arithmetic beside an estimate that is already there.
     *
     * @throws IllegalArgumentException if the workload has no attention
     */
    public static Formula of(Estimate estimate) {
        Workload work = StepPlan.ofOneDevice(estimate.workload());
        if (!work.has(Option.HEADS)) {
            throw new IllegalArgumentException(
                    "the formula batch × nodes × heads × seq² is that of attention; use the estimate of this "
                            + work.architecture().name().toLowerCase(java.util.Locale.ROOT) + " instead.");
        }
        List<Line> hand = new ArrayList<>();
        int b = work.precision().activationBytes();
        boolean graph = work.architecture() == Architecture.GAT;
        long input = work.vocab() > 0
                ? line(hand, "input, tokens", TOKEN_BYTES, work.microBatch(), work.nodes(), work.seq())
                : line(hand, "input", b, factors(work, graph, work.features()));
        long activation = line(hand, "activation, each layer", b, factors(work, graph, work.dModel()));
        long attention = graph ? scores(hand, work, b) : matrices(hand, work, b);
        boolean inPieces = !graph && work.attention() == Attention.CHUNKED;
        long layer = inPieces ? activation : Bytes.plus(activation, attention);
        if (!work.isInference()) {
            hand.add(new Line("gradient of the activation", "as the activation", activation));
            layer = Bytes.plus(layer, activation);
        }
        String parts = (inPieces ? "activation" : "activation + attention") + (work.isInference() ? "" : " + gradient");
        hand.add(new Line("one layer", parts, layer));
        long all = Bytes.plus(input, Bytes.times(work.layers(), layer));
        String sum = "input + " + work.layers() + " × " + layer + " B";
        if (inPieces) {
            all = Bytes.plus(all, attention);
            sum += " + one piece";
        }
        hand.add(new Line("all layers", sum, all));
        return new Formula(hand, real(estimate), all, estimate.peakAllocatedBytes(), growth(work));
    }

    private static String growth(Workload work) {
        if (work.architecture() != Architecture.GAT) {
            return work.attention() == Attention.SDPA
                    ? "linear in batch × nodes and in seq"
                    : "linear in batch × nodes, quadratic in seq";
        }
        return work.edges() > 0 ? "linear in batch, nodes and edges" : "linear in batch, quadratic in nodes";
    }

    private static long[] factors(Workload work, boolean graph, long width) {
        return graph
                ? new long[] {work.microBatch(), work.nodes(), width}
                : new long[] {work.microBatch(), work.nodes(), work.seq(), width};
    }

    private static long matrices(List<Line> hand, Workload work, int valueBytes) {
        long[] whole = {work.microBatch(), work.nodes(), work.heads(), work.seq(), work.seq()};
        return switch (work.attention()) {
            case EAGER -> line(hand, MATRICES, valueBytes, whole);
            case CHUNKED -> piece(hand, work, line(new ArrayList<>(), MATRICES, valueBytes, whole));
            case SDPA -> {
                hand.add(new Line("attention matrices", "none is stored (sdpa)", 0));
                yield 0;
            }
        };
    }

    /** What is there of a matrix that is made in pieces, in one layer at a time. */
    private static long piece(List<Line> hand, Workload work, long whole) {
        long pieces = Math.min(work.number(Option.CHUNKS), work.seq());
        hand.add(new Line("attention matrices, one piece", whole + " B ÷ " + pieces, whole / pieces));
        return whole / pieces;
    }

    private static long scores(List<Line> hand, Workload work, int valueBytes) {
        return work.edges() > 0
                ? line(
                        hand,
                        "attention of the edges, each layer",
                        valueBytes,
                        work.microBatch(),
                        work.heads(),
                        work.edges())
                : line(hand, MATRICES, valueBytes, work.microBatch(), work.heads(), work.nodes(), work.nodes());
    }

    private static List<Line> real(Estimate estimate) {
        List<Line> lines = new ArrayList<>();
        estimate.atPeak().forEach((kind, bytes) -> {
            if (bytes > 0) {
                lines.add(new Line(title(kind, estimate), "", bytes));
            }
        });
        lines.add(new Line(
                "peak, in " + estimate.peakPhase() + " at " + estimate.peakOperator(),
                "",
                estimate.peakAllocatedBytes()));
        return lines;
    }

    private static String title(Kind kind, Estimate estimate) {
        return switch (kind) {
            case WEIGHTS -> "weights";
            case GRADIENTS -> "gradients";
            case OPTIMIZER -> "optimizer state";
            case INPUT -> estimate.kvCacheBytes() > 0 ? "KV cache and input" : "input and target";
            case ACTIVATIONS -> "activations kept by forward";
            case TEMPORARY -> estimate.workload().isInference() ? "temporaries" : "temporaries of the backward pass";
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

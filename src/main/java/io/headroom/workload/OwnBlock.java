package io.headroom.workload;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Convolution;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.BertPretrainingBlock;
import ai.djl.nn.transformer.IdEmbedding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/** A block of the user's and the shapes of its inputs; the block itself is what makes two of them equal. */
record OwnBlock(Block block, List<Shape> shapes) {
    private static final int BERT_INPUTS = 3;

    static OwnBlock of(Block block, Shape... inputs) {
        if (block == null
                || inputs == null
                || inputs.length == 0
                || Arrays.asList(inputs).contains(null)) {
            throw new IllegalArgumentException((block == null ? "block" : "input shape")
                    + " is null: use Workload.of(block, new Shape(32, 512), adam()).");
        }
        for (Shape input : inputs) {
            check(input);
        }
        if (inputs[0].dimension() == 1 && !takesNumbers(block)) {
            throw new IllegalArgumentException(
                    "input shape = " + inputs[0] + ": the batch and what one sample has are both needed,"
                            + " as in new Shape(batch, " + inputs[0].get(0) + ").");
        }
        return new OwnBlock(block, complete(outermost(block, true), List.of(inputs)));
    }

    private static void check(Shape input) {
        if (input.dimension() == 0 || Arrays.stream(input.getShape()).anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException("input shape = " + input
                    + ": give every dimension a size of at least 1, the batch first, as in new Shape(32, 512).");
        }
    }

    /** Whether a sample may be a single number: an id, or what only code of one's own knows. */
    private static boolean takesNumbers(Block block) {
        if (block instanceof SequentialBlock || block instanceof ParallelBlock) {
            return block.getChildren().values().stream()
                    .limit(block instanceof SequentialBlock ? 1 : Long.MAX_VALUE)
                    .allMatch(OwnBlock::takesNumbers);
        }
        return block instanceof Embedding<?>
                || block instanceof IdEmbedding
                || block instanceof LambdaBlock
                || !block.getClass().getPackageName().startsWith("ai.djl.nn");
    }

    /** Those of token types and masks are the tokens' own. */
    private static List<Shape> complete(Block first, List<Shape> inputs) {
        Shape input = inputs.get(0);
        List<Shape> bert = Collections.nCopies(BERT_INPUTS, input);
        if (first instanceof BertBlock) {
            return require(first, inputs.size() == 1 ? bert : inputs, bert);
        }
        if (first instanceof BertPretrainingBlock) {
            boolean known =
                    inputs.size() == BERT_INPUTS + 1 && inputs.get(BERT_INPUTS).dimension() == 2;
            List<Shape> wanted = new ArrayList<>(bert);
            wanted.add(new Shape(input.get(0), known ? inputs.get(BERT_INPUTS).get(1) : 20));
            return require(first, inputs, wanted);
        }
        return require(first, inputs, List.of(input));
    }

    private static List<Shape> require(Block first, List<Shape> inputs, List<Shape> wanted) {
        if (!inputs.equals(wanted)) {
            throw new IllegalArgumentException("input shapes = " + shapes(inputs) + ", but a "
                    + first.getClass().getSimpleName()
                    + (wanted.size() == 1
                            ? " takes one, the first: several are known of BertBlock and BertPretrainingBlock alone."
                            : " takes token ids, type ids and masks of one shape"
                                    + (wanted.size() > BERT_INPUTS ? " and the masked places of each sequence" : "")
                                    + ": Workload.of(block, adam(), new Shape"
                                    + shapes(wanted).replace("), (", "), new Shape(")
                                    + ")."));
        }
        return List.copyOf(inputs);
    }

    private static String shapes(List<Shape> shapes) {
        return shapes.stream().map(Shape::toString).collect(Collectors.joining(", "));
    }

    Shape shape() {
        return shapes.get(0);
    }

    List<Shape> inputs(long batch) {
        return shapes.stream()
                .map(shape -> new Shape(batch).addAll(shape.slice(1)))
                .toList();
    }

    Shape input(long batch, long seq) {
        long[] sizes = shape().getShape().clone();
        sizes[0] = batch;
        if (hasSequence()) {
            sizes[1] = seq;
        }
        return new Shape(sizes);
    }

    boolean takesTokens() {
        return first() instanceof Embedding<?> || first() instanceof IdEmbedding || isBert(first());
    }

    boolean endsInBert() {
        return isBert(outermost(block, false));
    }

    private static boolean isBert(Block block) {
        return block instanceof BertBlock || block instanceof BertPretrainingBlock;
    }

    /** [batch, seq, width], or tokens [batch, seq]. */
    boolean hasSequence() {
        int dimensions = shape().dimension();
        return dimensions == 3 && !(first() instanceof Convolution)
                || dimensions == 2 && takesTokens() && !isBert(first());
    }

    private Block first() {
        return outermost(block, true);
    }

    private static Block outermost(Block block, boolean first) {
        Block at = block;
        while (at instanceof SequentialBlock sequence && !sequence.getChildren().isEmpty()) {
            at = sequence.getChildren()
                    .get(first ? 0 : sequence.getChildren().size() - 1)
                    .getValue();
        }
        return at;
    }

    long layers() {
        return layers(block);
    }

    private static long layers(Block block) {
        return block instanceof SequentialBlock sequence
                ? sequence.getChildren().values().stream()
                        .mapToLong(OwnBlock::layers)
                        .sum()
                : 1;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof OwnBlock that && block == that.block && shapes.equals(that.shapes);
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(block) * 31 + shapes.hashCode();
    }

    @Override
    public String toString() {
        return "block " + block.getClass().getSimpleName() + " on " + shape();
    }
}

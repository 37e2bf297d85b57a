package io.headroom.workload;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Convolution;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.transformer.IdEmbedding;
import java.util.Arrays;

/** A block of the user's and the shape of its input; the block itself is what makes two of them equal. */
record OwnBlock(Block block, Shape shape) {
    static OwnBlock of(Block block, Shape input) {
        if (block == null || input == null) {
            throw new IllegalArgumentException((block == null ? "block" : "input shape")
                    + " is null: use Workload.of(block, new Shape(32, 512), adam()).");
        }
        if (input.dimension() == 0 || Arrays.stream(input.getShape()).anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException("input shape = " + input
                    + ": give every dimension a size of at least 1, the batch first, as in new Shape(32, 512).");
        }
        return new OwnBlock(block, input);
    }

    Shape input(long batch, long seq) {
        long[] sizes = shape.getShape().clone();
        sizes[0] = batch;
        if (hasSequence()) {
            sizes[1] = seq;
        }
        return new Shape(sizes);
    }

    boolean takesTokens() {
        return first() instanceof Embedding<?> || first() instanceof IdEmbedding;
    }

    /** [batch, seq, width], or tokens [batch, seq]. */
    boolean hasSequence() {
        return shape.dimension() == 3 && !(first() instanceof Convolution) || shape.dimension() == 2 && takesTokens();
    }

    private Block first() {
        Block first = block;
        while (first instanceof SequentialBlock sequence
                && !sequence.getChildren().isEmpty()) {
            first = sequence.getChildren().get(0).getValue();
        }
        return first;
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
        return other instanceof OwnBlock that && block == that.block && shape.equals(that.shape);
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(block) * 31 + shape.hashCode();
    }

    @Override
    public String toString() {
        return "block " + block.getClass().getSimpleName() + " on " + shape;
    }
}

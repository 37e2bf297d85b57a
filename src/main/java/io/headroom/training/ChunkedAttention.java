package io.headroom.training;

import ai.djl.nn.Block;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;

/**
 * Chunked attention: computes the seq × seq scores for a slice of the queries at a time.
 *
 * <p>Eager attention writes {@code batch × heads × seq²} scores several times over and keeps them for the backward pass. In
 * slices one {@code chunks}-th of them lives at a time; in training each slice is computed again on the way back, so nothing
 * of that size is kept. The result is exact: every query's softmax is its own (Rabe and Staats 2021, arXiv 2112.05682);
 * outputs agree to 1e-5.
 *
 * <pre>{@code
 * ChunkedAttention.of(model.getBlock(), 8);                       // before the trainer is made
 * Trainer trainer = HeadroomTrainer.of(model, config);            // its collector knows the slices
 * }</pre>
 *
 * <p>The model is changed in place and keeps its parameters; {@link #remove()} puts DJL's attention back. Dropout on the
 * scores draws other masks than eager attention would, with the same rate. A hand-written loop takes its collector from {@link
 * Checkpointing#newGradientCollector}. For one thread.
 */
public final class ChunkedAttention {
    private final Rewiring rewiring;

    private ChunkedAttention(Rewiring rewiring) {
        this.rewiring = rewiring;
    }

    /**
     * Changes every attention of a block.
     *
     * @param block a model with {@code TransformerEncoderBlock}s or {@code ScaledDotProductAttentionBlock}s in it
     * @param chunks slices of the queries; more than the sequence is as many as the sequence
     * @throws IllegalArgumentException if chunks is below 1 or the block has no attention below it
     */
    public static ChunkedAttention of(Block block, int chunks) {
        if (chunks < 1) {
            throw new IllegalArgumentException("chunks = " + chunks + ": use 1 or more, such as 8.");
        }
        Rewiring rewiring = Rewiring.of(block, (path, child) -> {
            if (child instanceof ChunkedEncoder || child instanceof ChunkedAttentionBlock) {
                throw new IllegalArgumentException(path
                        + " computes its attention in chunks already: call remove() on what of(…) returned first.");
            }
            if (child instanceof TransformerEncoderBlock encoder) {
                return new ChunkedEncoder(encoder, chunks);
            }
            return child instanceof ScaledDotProductAttentionBlock attention
                    ? new ChunkedAttentionBlock(attention, chunks)
                    : null;
        });
        if (rewiring.count() == 0) {
            throw new IllegalArgumentException(block.getClass().getSimpleName()
                    + (block instanceof TransformerEncoderBlock || block instanceof ScaledDotProductAttentionBlock
                            ? " is the attention layer itself: put it into a SequentialBlock."
                            : " has no TransformerEncoderBlock and no ScaledDotProductAttentionBlock in it."));
        }
        return new ChunkedAttention(rewiring);
    }

    /** How many attention layers were changed. */
    public int layers() {
        return rewiring.count();
    }

    /** Puts DJL's own attention back. */
    public void remove() {
        rewiring.restore();
    }
}

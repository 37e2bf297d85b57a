package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

/** DJL's attention with its own projections, its scores computed in slices. */
final class ChunkedAttentionBlock extends AbstractBlock {
    private static final byte VERSION = 1;

    private final ScaledDotProductAttentionBlock original;
    private final int heads;
    private final SlicedScores scores;

    ChunkedAttentionBlock(ScaledDotProductAttentionBlock original, int chunks) {
        super(VERSION);
        this.original = addChildBlock("attention", original);
        this.heads = (int) Rewiring.get(original, "headCount");
        Dropout dropout = (Dropout) Rewiring.get(original, "attentionProbsDropout");
        this.scores = new SlicedScores(chunks, (float) Rewiring.get(dropout, "rate"));
    }

    ScaledDotProductAttentionBlock original() {
        return original;
    }

    int heads() {
        return heads;
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
        boolean recorded = training && Autograd.recording();
        boolean self = inputs.size() < 3;
        NDArray keyInput = border(inputs.get(0), recorded);
        NDArray queryInput = self || inputs.get(1) == inputs.get(0) ? keyInput : border(inputs.get(1), recorded);
        NDArray valueInput = self || inputs.get(2) == inputs.get(0) ? keyInput : border(inputs.get(2), recorded);
        NDArray mask = inputs.size() % 2 == 0 ? inputs.get(inputs.size() - 1) : null;
        NDArray k = heads(original.getKeyProjection()
                .forward(store, new NDList(keyInput), training, params)
                .head());
        NDArray q = heads(original.getQueryProjection()
                .forward(store, new NDList(queryInput), training, params)
                .head());
        NDArray v = heads(original.getValueProjection()
                .forward(store, new NDList(valueInput), training, params)
                .head());
        long seed = 0;
        if (training && scores.dropout() > 0) {
            seed = recorded ? Replay.current().drawSeed(q.getManager()) : Autograd.drawSeed(q.getManager());
        }
        NDArray mixed = recorded
                ? recorded(Replay.current(), q, k, v, mask, seed)
                : scores.forward(q, k, v, mask, training, seed);
        Shape shape = queryInput.getShape();
        NDArray joined = mixed.transpose(0, 2, 1, 3).reshape(shape);
        return original.getResultProjection().forward(store, new NDList(joined), training, params);
    }

    private static NDArray border(NDArray input, boolean recorded) {
        return recorded ? Replay.current().border(input) : input;
    }

    private NDArray recorded(Replay replay, NDArray q, NDArray k, NDArray v, NDArray mask, long seed) {
        NDArray out;
        boolean recording = Autograd.recording();
        Autograd.record(false);
        try {
            out = scores.forward(q, k, v, mask, true, seed);
        } finally {
            Autograd.record(recording);
        }
        out.setRequiresGradient(true);
        NDArray queries = replay.view(q);
        NDArray keys = replay.view(k);
        NDArray values = replay.view(v);
        NDArray offset = mask == null ? null : replay.view(mask);
        NDArray passed = replay.keep(out);
        replay.add(keepGraph -> {
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                NDArray upstream = Autograd.gradient(out);
                if (upstream == null) {
                    return;
                }
                NDList gradients = scores.backward(queries, keys, values, offset, upstream, seed);
                flow(queries, gradients.get(0), true);
                flow(keys, gradients.get(1), true);
                flow(values, gradients.get(2), keepGraph);
            }
        });
        return passed;
    }

    private static void flow(NDArray array, NDArray gradient, boolean keepGraph) {
        if (Autograd.needsGradient(array)) {
            Autograd.backward(array, gradient, keepGraph);
        }
    }

    /** {@code [B, S, E]} to {@code [B, N, S, H]}. */
    private NDArray heads(NDArray projected) {
        Shape shape = projected.getShape();
        return projected
                .reshape(shape.get(0), shape.get(1), heads, shape.get(2) / heads)
                .transpose(0, 2, 1, 3);
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
        original.initialize(manager, dataType, inputShapes);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        return original.getOutputShapes(inputShapes);
    }
}

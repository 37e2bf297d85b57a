package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

/** DJL's encoder layer with its own parts but for the attention; a subclass, to fit where one is declared. */
final class ChunkedEncoder extends TransformerEncoderBlock {
    private final Block attention;
    private final Dropout attentionDropout;
    private final Block attentionNorm;
    private final Block feedForward;
    private final Dropout outputDropout;
    private final Block outputNorm;

    ChunkedEncoder(TransformerEncoderBlock original, int chunks) {
        super(1, 1, 1, 0f, x -> x);
        children.clear();
        ScaledDotProductAttentionBlock plain =
                (ScaledDotProductAttentionBlock) Rewiring.get(original, "selfAttentionBlock");
        attention = addChildBlock("selfAttention", new ChunkedAttentionBlock(plain, chunks));
        attentionNorm = addChildBlock("attentionNorm", (Block) Rewiring.get(original, "attentionNorm"));
        feedForward = addChildBlock("outputBlock", (Block) Rewiring.get(original, "pointWisefullyConnected"));
        outputNorm = addChildBlock("outputNorm", (Block) Rewiring.get(original, "outputNorm"));
        attentionDropout = (Dropout) Rewiring.get(original, "selfAttentionDropout");
        outputDropout = (Dropout) Rewiring.get(original, "fullyConnectedDropout");
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
        NDArray x = training && Autograd.recording() ? Replay.current().border(inputs.head()) : inputs.head();
        NDList entry = new NDList(inputs);
        entry.set(0, x);
        NDList attended = attentionDropout.forward(store, attention.forward(store, entry, training), training);
        NDList normal = attentionNorm.forward(
                store, new NDList(attended.singletonOrThrow().add(x)), training);
        NDList fed = outputDropout.forward(store, feedForward.forward(store, normal, training), training);
        return outputNorm.forward(store, new NDList(fed.singletonOrThrow().add(x)), training);
    }

    @Override
    public void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
        for (Block child : children.values()) {
            child.initialize(manager, dataType, inputShapes[0]); // the second, if any, is the mask's
        }
    }
}

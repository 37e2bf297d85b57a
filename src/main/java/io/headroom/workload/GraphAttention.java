package io.headroom.workload;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import ai.djl.util.PairList;

/**
 * A dense graph attention layer on {@code [batch, nodes, features]} (Veličković et al. 2018, arXiv 1710.10903, equations 1 to 5).
 *
 * <p>Every node sees those that the bias lets it see: {@code nodes × nodes}, 0 for an edge and a large negative number for none,
 * shared by the layers and not trained; zeros, and so all edges, unless set.
 */
final class GraphAttention extends AbstractBlock {
    private static final float NEGATIVE_SLOPE = 0.2f;

    private final long heads;
    private final long width;
    private final Block projection;
    private final Block seen;
    private final Block weighed;
    private final Parameter scores;
    private final Parameter edges;

    GraphAttention(long heads, long width, float dropout, Parameter edges) {
        this.heads = heads;
        this.width = width;
        this.edges = addParameter(edges);
        seen = addChildBlock("seen", Dropout.builder().optRate(dropout).build());
        projection = addChildBlock(
                "projection", Linear.builder().setUnits(width).optBias(false).build());
        weighed = addChildBlock("weighed", Dropout.builder().optRate(dropout).build());
        scores = addParameter(Parameter.builder()
                .setName("scores")
                .setType(Parameter.Type.WEIGHT)
                .optShape(new Shape(heads, width / heads, 2))
                .build());
    }

    /** What the layers of a model share: which node sees which. */
    static Parameter edges(long nodes) {
        return Parameter.builder()
                .setName("edges")
                .setType(Parameter.Type.OTHER)
                .optRequiresGrad(false)
                .optInitializer(Initializer.ZEROS)
                .optShape(new Shape(nodes, nodes))
                .build();
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
        NDArray x = projection
                .forward(store, seen.forward(store, inputs, training), training)
                .head();
        long batch = x.getShape().get(0);
        long nodes = x.getShape().get(1);
        NDArray values = x.reshape(batch, nodes, heads, width / heads).transpose(0, 2, 1, 3);
        NDArray both = values.matMul(store.getValue(scores, x.getDevice(), training));
        NDArray of = both.get(":, :, :, 0:1");
        NDArray to = both.get(":, :, :, 1:2").transpose(0, 1, 3, 2);
        NDArray raw = Activation.leakyRelu(of.add(to), NEGATIVE_SLOPE);
        NDArray shares = raw.add(store.getValue(edges, x.getDevice(), training)).softmax(-1);
        NDArray mixed =
                weighed.forward(store, new NDList(shares), training).head().matMul(values);
        return new NDList(Activation.elu(mixed.transpose(0, 2, 1, 3).reshape(batch, nodes, width), 1));
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputs) {
        seen.initialize(manager, type, inputs);
        projection.initialize(manager, type, inputs);
        weighed.initialize(manager, type, inputs);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        return new Shape[] {new Shape(inputs[0].get(0), inputs[0].get(1), width)};
    }
}

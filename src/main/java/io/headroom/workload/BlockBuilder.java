package io.headroom.workload;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.pooling.Pool;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.TransformerEncoderBlock;

/** Builds the DJL block that a workload of sizes describes. */
final class BlockBuilder {
    private BlockBuilder() {}

    static Block build(Workload step) {
        return switch (step.architecture()) {
            case TRANSFORMER -> transformer(step);
            case MLP -> mlp(step);
            case CNN -> cnn(step);
            case LSTM -> lstm(step);
            case GAT -> gat(step);
            case BLOCK -> step.block();
        };
    }

    private static Block transformer(Workload step) {
        SequentialBlock stack = new SequentialBlock();
        if (step.projectsInput()) {
            stack.add(linear(step.dModel()));
        }
        for (long layer = 0; layer < step.layers(); layer++) {
            stack.add(new TransformerEncoderBlock(
                    toInt("d_model", step.dModel()),
                    toInt("heads", step.heads()),
                    toInt("ff", step.ff()),
                    (float) step.dropout(),
                    Activation::relu));
        }
        return stack.add(linear(step.outputs()));
    }

    private static Block mlp(Workload step) {
        SequentialBlock stack = new SequentialBlock();
        for (long layer = 0; layer < step.layers(); layer++) {
            stack.add(linear(step.dModel())).add(new LambdaBlock(Activation::relu, "relu"));
            if (step.dropout() > 0) {
                stack.add(Dropout.builder().optRate((float) step.dropout()).build());
            }
        }
        return stack.add(linear(step.outputs()));
    }

    private static Block cnn(Workload step) {
        SequentialBlock stack = new SequentialBlock();
        long channels = step.dModel();
        for (long layer = 0; layer < step.layers(); layer++) {
            stack.add(Conv2d.builder()
                            .setKernelShape(new Shape(3, 3))
                            .optPadding(new Shape(1, 1))
                            .setFilters(toInt("d_model", channels))
                            .build())
                    .add(BatchNorm.builder().build())
                    .add(new LambdaBlock(Activation::relu, "relu"))
                    .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)));
            channels *= 2;
        }
        return stack.add(Pool.globalAvgPool2dBlock()).add(linear(step.outputs()));
    }

    private static Block lstm(Workload step) {
        return new SequentialBlock()
                .add(LSTM.builder()
                        .setStateSize(toInt("d_model", step.dModel()))
                        .setNumLayers(toInt("layers", step.layers()))
                        .optDropRate((float) step.dropout())
                        .optBatchFirst(true)
                        .optReturnState(false)
                        .build())
                .add(new LambdaBlock(BlockBuilder::last, "last"))
                .add(linear(step.outputs()));
    }

    private static Block gat(Workload step) {
        if (step.edges() > 0) {
            throw new IllegalArgumentException("edges = " + step.edges()
                    + ": DJL cannot add up what edges bring to a node, so a layer of edges is estimated but not built."
                    + " Leave edges out for a dense one.");
        }
        Parameter edges = GraphAttention.edges(step.nodes());
        SequentialBlock stack = new SequentialBlock();
        for (long layer = 0; layer < step.layers(); layer++) {
            stack.add(new GraphAttention(step.heads(), step.dModel(), (float) step.dropout(), edges));
        }
        return stack.add(linear(step.outputs()));
    }

    private static NDList last(NDList sequences) {
        NDArray all = sequences.head();
        return new NDList(all.get(":, " + (all.getShape().get(1) - 1)));
    }

    private static Linear linear(long units) {
        return Linear.builder().setUnits(units).build();
    }

    private static int toInt(String name, long value) {
        if (value > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    name + " = " + value + ": DJL builds blocks up to " + Integer.MAX_VALUE + " wide.");
        }
        return (int) value;
    }
}

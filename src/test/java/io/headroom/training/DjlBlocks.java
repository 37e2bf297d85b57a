package io.headroom.training;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv3d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.LinearCollection;
import ai.djl.nn.core.Multiplication;
import ai.djl.nn.core.SparseMax;
import ai.djl.nn.norm.GhostBatchNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.nn.recurrent.RecurrentBlock;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.BertNextSentenceBlock;
import ai.djl.nn.transformer.BertPretrainingBlock;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Map;

/** Steps of the blocks of DJL's {@code nn} that fewer models have, tens of MiB large. */
final class DjlBlocks {
    private static final Shape SERIES = new Shape(128, 100, 16);

    private DjlBlocks() {}

    static void addTo(Map<String, Workload> all) {
        recurrent(all);
        all.put(
                "ghost batch norm",
                training(
                        linear(512)
                                .add(GhostBatchNorm.builder()
                                        .optVirtualBatchSize(1024)
                                        .build())
                                .add(Activation.reluBlock())
                                .add(linear(10)),
                        new Shape(8192, 256)));
        all.put(
                "attention alone",
                training(
                        linear(128)
                                .add(ScaledDotProductAttentionBlock.builder()
                                        .setEmbeddingSize(128)
                                        .setHeadCount(8)
                                        .build())
                                .add(linear(1)),
                        new Shape(48, 128, 7)));
        all.put(
                "id embedding",
                training(
                        new SequentialBlock()
                                .add(new IdEmbedding.Builder()
                                        .setDictionarySize(20_000)
                                        .setEmbeddingSize(256)
                                        .build())
                                .add(linear(64)),
                        new Shape(128, 256)));
        all.put(
                "linear collection",
                training(
                        linear(256)
                                .add(LinearCollection.builder().setUnits(128).build())
                                .add(linear(10)),
                        new Shape(2048, 16, 64)));
        all.put(
                "multiplication",
                training(
                        linear(256)
                                .add(Multiplication.builder().setUnits(4).build())
                                .add(linear(10)),
                        new Shape(8192, 64)));
        all.put("sparse max", training(linear(128).add(new SparseMax()).add(linear(10)), new Shape(16384, 64)));
        all.put(
                "feed-forward",
                training(
                        new SequentialBlock()
                                .add(new PointwiseFeedForwardBlock(List.of(512, 256), 10, Activation::relu)),
                        new Shape(8192, 256)));
        all.put(
                "next sentence",
                training(
                        linear(512).add(Activation.tanhBlock()).add(new BertNextSentenceBlock()),
                        new Shape(8192, 256)));
        bert(all);
        all.put(
                "volume",
                training(
                        new SequentialBlock()
                                .add(Conv3d.builder()
                                        .setKernelShape(new Shape(3, 3, 3))
                                        .optPadding(new Shape(1, 1, 1))
                                        .setFilters(32)
                                        .build())
                                .add(Activation.reluBlock())
                                .add(Pool.globalAvgPool3dBlock())
                                .add(linear(1)),
                        new Shape(16, 3, 16, 32, 32)));
    }

    private static void bert(Map<String, Workload> all) {
        Shape tokens = new Shape(32, 64);
        all.put(
                "bert",
                training(
                        new SequentialBlock()
                                .add(bert().build())
                                .add(new LambdaBlock(list -> new NDList(list.get(1)), "pooled"))
                                .add(linear(2)),
                        tokens));
        all.put(
                "bert pretraining",
                Workload.of(
                        new BertPretrainingBlock(bert()),
                        OptimizerKind.ADAM,
                        tokens,
                        tokens,
                        tokens,
                        new Shape(32, 10)));
    }

    private static BertBlock.Builder bert() {
        return BertBlock.builder()
                .nano()
                .optTransformerBlockCount(2)
                .setTokenDictionarySize(2000)
                .optMaxSequenceLength(64);
    }

    private static void recurrent(Map<String, Workload> all) {
        all.put("gru", series(gru(2, 128)));
        all.put("gru of other sizes", series(gru(1, 96), new Shape(256, 60, 40)));
        all.put("rnn", series(rnn(RNN.Activation.TANH, false)));
        all.put("rnn both ways", series(rnn(RNN.Activation.RELU, true)));
        all.put("gru both ways", series(both(GRU.builder())));
        all.put("lstm without biases", series(lstm(2)));
        all.put("lstm both ways", series(both(LSTM.builder())));
        all.put("lstm of a wide input", series(lstm(1), new Shape(128, 100, 256)));
        all.put(
                "lstm with its state",
                training(
                        new SequentialBlock()
                                .add(LSTM.builder()
                                        .setStateSize(128)
                                        .setNumLayers(2)
                                        .optReturnState(true)
                                        .build())
                                .add(new LambdaBlock(
                                        list -> new NDList(list.head().get(":, -1")), "state"))
                                .add(linear(1)),
                        SERIES));
    }

    private static Workload series(Block recurrent) {
        return series(recurrent, SERIES);
    }

    private static Workload series(Block recurrent, Shape input) {
        return training(
                new SequentialBlock()
                        .add(recurrent)
                        .add(new LambdaBlock(list -> new NDList(list.head().get(":, -1")), "last"))
                        .add(linear(1)),
                input);
    }

    private static Block gru(int layers, int units) {
        return GRU.builder().setStateSize(units).setNumLayers(layers).build();
    }

    private static Block rnn(RNN.Activation activation, boolean both) {
        return RNN.builder()
                .setActivation(activation)
                .setStateSize(128)
                .setNumLayers(2)
                .optBidirectional(both)
                .optHasBiases(!both)
                .build();
    }

    private static Block both(RecurrentBlock.BaseBuilder<?> builder) {
        builder.setStateSize(128)
                .setNumLayers(2)
                .optBidirectional(true)
                .optHasBiases(false)
                .optReturnState(false);
        return builder instanceof GRU.Builder gru ? gru.build() : ((LSTM.Builder) builder).build();
    }

    private static Block lstm(int layers) {
        return LSTM.builder()
                .setStateSize(128)
                .setNumLayers(layers)
                .optHasBiases(false)
                .build();
    }

    private static Workload training(Block block, Shape input) {
        return Workload.of(block, input, OptimizerKind.ADAM);
    }

    private static SequentialBlock linear(long units) {
        return new SequentialBlock().add(Linear.builder().setUnits(units).build());
    }
}

package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.util.PairList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkedAttentionTest {
    private static final Shape SHAPE = new Shape(2, 12, 16);

    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5, 12, 100})
    void givesTheOutputOfEagerAttention(int chunks) {
        SequentialBlock block = Steps.encoders(2, 16, 0);
        block.initialize(manager, DataType.FLOAT32, SHAPE);
        NDArray data = Steps.random(manager, SHAPE.getShape());
        float[] eager = output(block, new NDList(data));
        ChunkedAttention chunked = ChunkedAttention.of(block, chunks);
        assertThat(chunked.layers()).isEqualTo(2);
        assertThat(LoraTest.difference(output(block, new NDList(data)), eager)).isLessThan(1e-5);
        chunked.remove();
        assertThat(output(block, new NDList(data))).isEqualTo(eager);
    }

    @Test
    void anEncoderInTwoPlacesIsChangedInBoth() {
        Block encoder = Steps.encoders(1, 16, 0).getChildren().get(0).getValue();
        SequentialBlock block = new SequentialBlock()
                .add(encoder)
                .add(new SequentialBlock().add(encoder).add(encoder));
        block.initialize(manager, DataType.FLOAT32, SHAPE);
        NDArray data = Steps.random(manager, SHAPE.getShape());
        float[] eager = output(block, new NDList(data));
        ChunkedAttention chunked = ChunkedAttention.of(block, 3);
        assertThat(chunked.layers()).isEqualTo(1);
        assertThat(LoraTest.difference(output(block, new NDList(data)), eager)).isLessThan(1e-5);
        chunked.remove();
        assertThat(output(block, new NDList(data))).isEqualTo(eager);
    }

    @Test
    void masksAsEagerAttentionDoes() {
        SequentialBlock block = new SequentialBlock()
                .add(ScaledDotProductAttentionBlock.builder()
                        .setEmbeddingSize(16)
                        .setHeadCount(2)
                        .optAttentionProbsDropoutProb(0)
                        .build());
        Shape mask = new Shape(2, 12, 12);
        block.initialize(manager, DataType.FLOAT32, SHAPE, mask);
        NDList input = new NDList(
                Steps.random(manager, SHAPE.getShape()),
                manager.randomUniform(0, 1, mask).gt(0.4).toType(DataType.INT64, false));
        float[] eager = output(block, input);
        ChunkedAttention.of(block, 5);
        assertThat(LoraTest.difference(output(block, input), eager)).isLessThan(1e-5);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 12})
    void givesTheGradientsOfEagerAttention(int chunks) {
        SequentialBlock block = new SequentialBlock()
                .add(Linear.builder().setUnits(16).build())
                .addAll(Steps.encoders(2, 16, 0).getChildren().values())
                .add(Linear.builder().setUnits(16).build());
        gradientsAreTheSame(block, () -> ChunkedAttention.of(block, chunks), block);
    }

    @Test
    void worksInsideCheckpointedSegments() {
        SequentialBlock block = Steps.encoders(3, 16, 0);
        try (Model model = Steps.model(block);
                Trainer trainer = HeadroomTrainer.of(model, Steps.config())) {
            trainer.initialize(SHAPE);
        }
        SequentialBlock again = Steps.encoders(3, 16, 0);
        again.initialize(manager, DataType.FLOAT32, SHAPE);
        Block both = Checkpointing.of(again, 3);
        NDArray data = Steps.random(manager, SHAPE.getShape());
        NDArray labels = Steps.random(manager, SHAPE.getShape());
        List<float[]> plain = gradients(again, data, labels);
        for (int i = 0; i < 3; i++) {
            assertThat(again.getChildren().get(i).getValue()).isNotNull();
        }
        ChunkedAttention.of(both, 3);
        List<float[]> cheaper = gradients(both, data, labels);
        assertThat(Steps.relativeDifference(plain, cheaper)).isLessThan(1e-5);
    }

    @Test
    void replaysDropoutInsideCheckpointedSegments() {
        Autograd.seed(7); // a difference of losses is near the slope where the loss is not strongly bent
        SequentialBlock block = Steps.encoders(2, 16, 0.4f);
        block.initialize(manager, DataType.FLOAT32, SHAPE);
        NDArray data = Steps.random(manager, SHAPE.getShape());
        NDArray labels = Steps.random(manager, SHAPE.getShape());
        Block checkpointed = Checkpointing.of(block, 2);
        ChunkedAttention.of(checkpointed, 3);
        // the gradient of the loss in one direction against the loss itself, moved a little both ways
        Autograd.seed(11);
        List<float[]> gradients = gradients(checkpointed, data, labels);
        float step = 1e-2f;
        NDArray weight = block.getParameters().valueAt(0).getArray();
        double slope = 0;
        double[] losses = new double[2];
        for (int way = 0; way < 2; way++) {
            float move = way == 0 ? step : -2 * step;
            weight.addi(move);
            Autograd.seed(11);
            losses[way] = loss(checkpointed, data, labels);
        }
        weight.addi(step);
        for (float value : gradients.get(0)) {
            slope += value;
        }
        assertThat((losses[0] - losses[1]) / (2 * step)).isCloseTo(slope, org.assertj.core.data.Offset.offset(0.02));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 8})
    void givesBertsOutputAndGradientsWithPaddedSamples(int chunks) {
        BertBlock bert = BertBlock.builder()
                .nano()
                .setTokenDictionarySize(50)
                .optMaxSequenceLength(8)
                .optHiddenDropoutProbability(0)
                .build();
        Shape tokens = new Shape(3, 8);
        bert.initialize(manager, DataType.FLOAT32, tokens, tokens, tokens);
        NDArray mask = manager.ones(tokens, DataType.INT64);
        mask.set(new NDIndex("1, 5:"), 0);
        mask.set(new NDIndex("2, 2:"), 0);
        NDList input =
                new NDList(manager.arange(24).mod(50).reshape(tokens), manager.zeros(tokens, DataType.INT64), mask);
        NDList unpadded = new NDList(input.get(0), input.get(1), mask.onesLike());
        assertThat(LoraTest.difference(output(bert, input), output(bert, unpadded)))
                .as("the padding matters")
                .isGreaterThan(1e-4);
        // eager attention's own gradients differ by up to 2e-4 from one run to the next: batch norms over 24 tokens
        agrees(bert, input, chunks, 1e-3);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void attendsToAMemoryOfAnotherLength(boolean masked) {
        Cross cross = new Cross();
        Shape memory = new Shape(2, 12, 16);
        Shape queries = new Shape(2, 5, 16);
        cross.initialize(manager, DataType.FLOAT32, memory, queries);
        NDList input = new NDList(Steps.random(manager, memory.getShape()), Steps.random(manager, queries.getShape()));
        if (masked) {
            input.add(manager.randomUniform(0, 1, new Shape(2, 5, 12)).gt(0.4).toType(DataType.INT64, false));
        }
        agrees(cross, input, 3, 1e-5);
    }

    @Test
    void badBlocksAndChunksAreRefused() {
        assertThatThrownBy(() -> ChunkedAttention.of(Steps.encoders(1, 16, 0), 0))
                .hasMessageContaining("chunks = 0");
        assertThatThrownBy(() -> ChunkedAttention.of(Steps.perceptron(2, 16, 0), 4))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no TransformerEncoderBlock");
        assertThatThrownBy(() -> ChunkedAttention.of(
                        Steps.encoders(1, 16, 0).getChildren().get(0).getValue(), 4))
                .isInstanceOf(IllegalArgumentException.class);
        SequentialBlock block = Steps.encoders(2, 16, 0);
        ChunkedAttention.of(block, 4);
        assertThatThrownBy(() -> ChunkedAttention.of(block, 4)).hasMessageContaining("already");
    }

    /** Output without a graph, and gradients of the mean square, against eager attention's. */
    private void agrees(Block block, NDList input, int chunks, double tolerance) {
        try (Model model = Steps.model(block);
                Trainer trainer = model.newTrainer(Steps.config())) {
            float[] output = output(block, input);
            List<float[]> eager = meanSquare(trainer, block, input);
            ChunkedAttention.of(block, chunks);
            assertThat(LoraTest.difference(output(block, input), output)).isLessThan(1e-5);
            assertThat(Steps.relativeDifference(eager, meanSquare(trainer, block, input)))
                    .isLessThan(tolerance);
        }
    }

    private static List<float[]> meanSquare(Trainer trainer, Block block, NDList input) {
        try (RunningStatistics before = RunningStatistics.of(block);
                GradientCollector collector = Checkpointing.newGradientCollector(trainer)) {
            NDArray output = trainer.forward(input).head();
            collector.backward(output.sub(0.5f).square().mean());
            List<float[]> gradients = Steps.gradients(block).stream()
                    .map(values -> values == null ? new float[0] : values)
                    .toList();
            Autograd.zeroGradients(block);
            before.restore();
            return gradients;
        }
    }

    private void gradientsAreTheSame(Block plain, Runnable change, Block changed) {
        plain.initialize(manager, DataType.FLOAT32, SHAPE);
        NDArray data = Steps.random(manager, SHAPE.getShape());
        NDArray labels = Steps.random(manager, SHAPE.getShape());
        List<float[]> eager = gradients(plain, data, labels);
        change.run();
        assertThat(Steps.relativeDifference(eager, gradients(changed, data, labels)))
                .isLessThan(1e-5);
    }

    private static List<float[]> gradients(Block block, NDArray data, NDArray labels) {
        loss(block, data, labels);
        List<float[]> gradients = Steps.gradients(block);
        Autograd.zeroGradients(block);
        return gradients;
    }

    private static float loss(Block block, NDArray data, NDArray labels) {
        try (Model model = Steps.model(block);
                Trainer trainer = HeadroomTrainer.of(model, Steps.config())) {
            trainer.initialize(SHAPE);
            return Steps.backward(trainer, data, labels);
        }
    }

    private float[] output(Block block, NDList input) {
        return block.forward(new ParameterStore(manager, false), input, false)
                .head()
                .toFloatArray();
    }

    /** A decoder's second attention: keys and values from one projected memory. */
    private static final class Cross extends AbstractBlock {
        private final Block memory =
                addChildBlock("memory", Linear.builder().setUnits(16).build());
        private final Block queries =
                addChildBlock("queries", Linear.builder().setUnits(16).build());
        private Block attention = addChildBlock(
                "attention",
                ScaledDotProductAttentionBlock.builder()
                        .setEmbeddingSize(16)
                        .setHeadCount(2)
                        .optAttentionProbsDropoutProb(0)
                        .build());

        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
            NDArray keys =
                    memory.forward(store, new NDList(inputs.get(0)), training).head();
            NDArray asking =
                    queries.forward(store, new NDList(inputs.get(1)), training).head();
            NDList all = new NDList(keys, asking, keys);
            all.addAll(inputs.subNDList(2));
            return attention.forward(store, all, training);
        }

        @Override
        protected void initializeChildBlocks(NDManager manager, DataType type, Shape... shapes) {
            memory.initialize(manager, type, shapes[0]);
            queries.initialize(manager, type, shapes[1]);
            attention.initialize(manager, type, shapes[0], shapes[1], shapes[0]);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] shapes) {
            return new Shape[] {shapes[1]};
        }
    }
}

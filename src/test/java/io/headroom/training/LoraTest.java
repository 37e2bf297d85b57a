package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LoraTest {
    private static final Shape SHAPE = new Shape(2, 5, 16);

    private final NDManager manager = NDManager.newBaseManager("PyTorch");
    private final SequentialBlock block = Steps.encoders(2, 16, 0);
    private NDArray data;

    @BeforeEach
    void open() {
        block.initialize(manager, DataType.FLOAT32, SHAPE);
        data = Steps.random(manager, 2, 5, 16);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void startsAsTheModelWas() {
        float[] before = output();
        Lora lora = Lora.of(block, 4);
        assertThat(difference(output(), before)).isLessThan(1e-5);
        assertThat(lora.layers()).isEqualTo(8);
        assertThat(lora.trainableParameters()).isEqualTo(8 * 4 * (16 + 16));
        assertThat(lora.bytes()).isEqualTo(8 * 4 * (16 + 16) * 4);
        assertThat(lora.toString()).contains("rank 4 on 8 layers");
    }

    @Test
    void trainsTheAdaptersAndNothingElse() {
        Lora lora = Lora.of(block, 4);
        List<float[]> before = weights();
        float[] start = output();
        train(5);
        Steps.assertSame(weights(), before);
        assertThat(output()).isNotEqualTo(start);
        assertThat(Autograd.trainable(block)).hasSize(16);
        assertThat(lora.layers()).isEqualTo(8);
    }

    @Test
    void mergingKeepsTheOutputAndTakesTheAdaptersAway() {
        int parameters = block.getParameters().size();
        Lora lora = Lora.of(block, 4);
        train(5);
        float[] trained = output();
        lora.merge();
        assertThat(difference(output(), trained)).isLessThan(1e-5);
        assertThat(block.getParameters().size()).isEqualTo(parameters);
        assertThat(Autograd.trainable(block)).isNotEmpty();
        assertThatThrownBy(lora::merge)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("already");
    }

    @Test
    void mergingLeavesNoArrayBehind() {
        int before = manager.getManagedArrays().size();
        Lora.of(block, 4).merge();
        assertThat(manager.getManagedArrays().size()).isEqualTo(before);
    }

    @Test
    void aMergeThatFailsInTheMiddleMergesNothingAndCanBeDoneAgain() {
        Lora lora = Lora.of(block, 4);
        train(5);
        float[] trained = output();
        List<float[]> weights = weights();
        Parameter last = block.getParameters().values().stream()
                .filter(parameter -> parameter.getName().equals("loraB"))
                .reduce((first, second) -> second)
                .orElseThrow();
        NDArray kept = last.getArray().duplicate();
        last.close();
        assertThatThrownBy(lora::merge).isInstanceOf(RuntimeException.class);
        last.setShape(null);
        last.setArray(kept);
        assertThat(Steps.relativeDifference(weights, weights())).isLessThan(1e-6);
        assertThat(difference(output(), trained)).isLessThan(1e-5);
        lora.merge();
        assertThat(difference(output(), trained)).isLessThan(1e-5);
    }

    @Test
    void removingGivesTheWeightsAsTheyWere() {
        int parameters = block.getParameters().size();
        List<float[]> before = weights();
        Lora lora = Lora.of(block, 4);
        train(3);
        lora.remove();
        Steps.assertSame(weights(), before);
        assertThat(Steps.values(block)).hasSize(parameters);
        Lora.of(block, 2).merge();
    }

    @Test
    void aSaveThatFailsLeavesTheAdapterSavedBefore(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("adapter.safetensors");
        Lora lora = Lora.of(block, 4);
        lora.save(file);
        byte[] before = Files.readAllBytes(file);
        block.getParameters().values().stream()
                .filter(parameter ->
                        LongStream.of(parameter.getShape().getShape()).anyMatch(size -> size == 4))
                .forEach(Parameter::close);
        assertThatThrownBy(() -> lora.save(file)).isInstanceOf(RuntimeException.class);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void savesTheAdapterAloneAndLoadsItAgain(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("adapter.safetensors");
        Lora lora = Lora.of(block, 4);
        train(3);
        float[] trained = output();
        lora.save(file);
        assertThat(Files.size(file)).isBetween(lora.bytes(), lora.bytes() + 4096);
        lora.remove();
        Lora again = Lora.of(block, 4);
        assertThat(output()).isNotEqualTo(trained);
        again.load(file);
        assertThat(output()).isEqualTo(trained);
        again.remove();

        Lora other = Lora.of(block, 8);
        float[] untouched = output();
        assertThatThrownBy(() -> other.load(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("lora_A")
                .hasMessageContaining("saved from another model or rank");
        assertThat(output()).isEqualTo(untouched);
    }

    @Test
    void reachesTheAttentionInsideBert() {
        BertBlock bert = BertBlock.builder()
                .nano()
                .setTokenDictionarySize(50)
                .optMaxSequenceLength(8)
                .build();
        bert.initialize(manager, DataType.FLOAT32, new Shape(1, 8), new Shape(1, 8), new Shape(1, 8));
        assertThat(Lora.of(bert, 4).layers()).isEqualTo(16);
    }

    @Test
    void anyModelWithLinearLayersCanBeAdapted() {
        SequentialBlock plain = Steps.perceptron(3, 16, 0);
        plain.initialize(manager, DataType.FLOAT32, new Shape(4, 16));
        assertThat(Lora.of(plain, 2).layers()).isEqualTo(3);
    }

    /** One linear layer twice in a sequence, once in each of two, and a sequence of its own twice. */
    private static Stream<SequentialBlock> modelsThatShare() {
        Linear shared = Linear.builder().setUnits(16).build();
        Linear other = Linear.builder().setUnits(16).build();
        Linear third = Linear.builder().setUnits(16).build();
        SequentialBlock layer = new SequentialBlock().add(third).add(Activation.tanhBlock());
        return Stream.of(
                new SequentialBlock().add(shared).add(Activation.tanhBlock()).add(shared),
                new SequentialBlock()
                        .add(new SequentialBlock().add(other).add(Activation.tanhBlock()))
                        .add(new SequentialBlock().add(other)),
                new SequentialBlock().add(layer).add(layer));
    }

    @ParameterizedTest
    @MethodSource("modelsThatShare")
    void aLayerInTwoPlacesHasOneAdapterAndIsTrainedAgainAfterwards(SequentialBlock shared) {
        shared.add(Linear.builder().setUnits(16).build());
        shared.initialize(manager, DataType.FLOAT32, SHAPE);
        Block head = shared.getChildren().values().get(shared.getChildren().size() - 1);
        head.freezeParameters(true);
        List<Parameter> trained = Autograd.trainable(shared);
        List<String> names = shared.getParameters().keys();
        List<float[]> weights = weights(shared);
        float[] before = output(shared);

        Lora lora = Lora.of(shared, 4);
        assertThat(lora.layers()).isEqualTo(2);
        assertThat(lora.trainableParameters()).isEqualTo(2 * 4 * (16 + 16));
        assertThat(Autograd.trainable(shared)).hasSize(4).allMatch(each -> each.getName()
                .startsWith("lora"));
        assertThat(difference(output(shared), before)).isLessThan(1e-5);
        train(shared, 5);
        Steps.assertSame(weights(shared), weights);
        float[] after = output(shared);
        assertThat(difference(after, before)).isGreaterThan(1e-2);
        lora.remove();
        assertThat(output(shared)).isEqualTo(before);
        assertThat(shared.getParameters().keys()).isEqualTo(names);
        assertThat(Autograd.trainable(shared)).isEqualTo(trained);

        Lora again = Lora.of(shared, 4);
        train(shared, 5);
        float[] last = output(shared);
        again.merge();
        assertThat(difference(output(shared), last)).isLessThan(1e-5);
        assertThat(shared.getParameters().keys()).isEqualTo(names);
        assertThat(Autograd.trainable(shared)).isEqualTo(trained);
    }

    @Test
    void aModelWithoutLinearLayersIsRefused() {
        SequentialBlock none = new SequentialBlock().add(Activation.reluBlock());
        none.initialize(manager, DataType.FLOAT32, new Shape(4, 16));
        assertThatThrownBy(() -> Lora.of(none, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("linear layers")
                .hasMessageContaining("Freezing.allBut");
        Block single = Linear.builder().setUnits(4).build();
        single.initialize(manager, DataType.FLOAT32, new Shape(4, 16));
        assertThatThrownBy(() -> Lora.of(single, 2)).hasMessageContaining("SequentialBlock");
    }

    @Test
    void badRanksAreRefusedAndChangeNothing() {
        float[] before = output();
        int arrays = manager.getManagedArrays().size();
        assertThatThrownBy(() -> Lora.of(block, 0)).hasMessageContaining("rank = 0");
        assertThatThrownBy(() -> Lora.of(block, 17)).hasMessageContaining("rank = 17 is above 16");
        assertThat(manager.getManagedArrays().size()).isEqualTo(arrays);
        assertThat(output()).isEqualTo(before);
        assertThat(Autograd.trainable(block)).isNotEmpty();
        assertThatThrownBy(() -> Lora.of(Steps.encoders(1, 16, 0), 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("not initialized");
        Lora.of(block, 2);
        assertThatThrownBy(() -> Lora.of(block, 2)).hasMessageContaining("already");
    }

    @Test
    void freezingTrainsTheNamedLayersOnly() {
        SequentialBlock plain = new SequentialBlock()
                .add(Linear.builder().setUnits(8).build())
                .add(Linear.builder().setUnits(2).build());
        plain.initialize(manager, DataType.FLOAT32, new Shape(4, 16));
        assertThatThrownBy(() -> Freezing.allBut(plain, "tail"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"tail\"");
        assertThatThrownBy(() -> Freezing.allBut(plain)).hasMessageContaining("no names");
        assertThatThrownBy(() -> Freezing.allBut(plain, "weight", "bias")).hasMessageContaining("nothing to freeze");
        assertThat(Autograd.trainable(plain)).hasSize(4);
        Freezing freezing = Freezing.allBut(plain, "02Linear");
        assertThat(Autograd.trainable(plain)).hasSize(2);
        assertThat(freezing.bytes()).isEqualTo((16 * 8 + 8) * 4);
        freezing.undo();
        assertThat(Autograd.trainable(plain)).hasSize(4);
    }

    private void train(int steps) {
        train(block, steps);
    }

    private void train(Block adapted, int steps) {
        try (Model model = Steps.model(adapted);
                Trainer trainer = model.newTrainer(Steps.config(Steps.adam(0.05f)))) {
            trainer.initialize(SHAPE);
            for (int i = 0; i < steps; i++) {
                Steps.backward(trainer, data, data.mul(2));
                trainer.step();
            }
        }
    }

    private List<float[]> weights() {
        return weights(block);
    }

    private static List<float[]> weights(Block adapted) {
        return adapted.getParameters().stream()
                .filter(parameter -> !parameter.getValue().getName().startsWith("lora"))
                .filter(parameter -> !RunningStatistics.isStatistic(parameter.getValue()))
                .map(parameter -> parameter.getValue().getArray().toFloatArray())
                .toList();
    }

    private float[] output() {
        return output(block);
    }

    private float[] output(Block adapted) {
        return adapted.forward(new ParameterStore(manager, false), new NDList(data), false)
                .head()
                .toFloatArray();
    }

    /** The largest difference over the largest value. */
    static double difference(float[] some, float[] others) {
        return Steps.relativeDifference(List.of(others), List.of(some));
    }
}

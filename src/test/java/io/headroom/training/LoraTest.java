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
        try (Model model = Steps.model(block);
                Trainer trainer = model.newTrainer(Steps.config(Steps.adam(0.05f)))) {
            trainer.initialize(SHAPE);
            for (int i = 0; i < steps; i++) {
                Steps.backward(trainer, data, data.mul(2));
                trainer.step();
            }
        }
    }

    private List<float[]> weights() {
        return block.getParameters().stream()
                .filter(parameter -> !parameter.getValue().getName().startsWith("lora"))
                .filter(parameter -> !RunningStatistics.isStatistic(parameter.getValue()))
                .map(parameter -> parameter.getValue().getArray().toFloatArray())
                .toList();
    }

    private float[] output() {
        return block.forward(new ParameterStore(manager, false), new NDList(data), false)
                .head()
                .toFloatArray();
    }

    /** The largest difference over the largest value. */
    static double difference(float[] some, float[] others) {
        return Steps.relativeDifference(List.of(others), List.of(some));
    }
}

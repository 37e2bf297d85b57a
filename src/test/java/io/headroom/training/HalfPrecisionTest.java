package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HalfPrecisionTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void computesInFp16AndKeepsFp32WeightsAndGradients() {
        List<DataType> seen = new ArrayList<>();
        SequentialBlock block = Steps.perceptron(2, 16, 0);
        block.add(new Spy(seen));
        try (Model model = Steps.model(block);
                HeadroomTrainer trainer =
                        HeadroomTrainer.of(model, Steps.config()).halfPrecision()) {
            trainer.initialize(new Shape(8, 16));
            NDArray data = Steps.random(manager, 8, 16);
            Steps.backward(trainer, data, data);
            assertThat(seen).containsExactly(DataType.FLOAT16);
            assertThat(Autograd.trainable(block)).allSatisfy(parameter -> {
                assertThat(parameter.getArray().getDataType()).isEqualTo(DataType.FLOAT32);
                try (NDArray gradient = Autograd.gradient(parameter.getArray())) {
                    assertThat(gradient.getDataType()).isEqualTo(DataType.FLOAT32);
                }
            });
        }
    }

    @Test
    void theGradientsAreThoseOfFp32ToHalfAPercent() {
        SequentialBlock block = Steps.encoders(2, 16, 0);
        NDArray data = Steps.random(manager, 4, 6, 16);
        NDArray labels = Steps.random(manager, 4, 6, 16);
        try (Model model = Steps.model(block);
                HeadroomTrainer trainer = HeadroomTrainer.of(model, Steps.config())) {
            trainer.initialize(new Shape(4, 6, 16));
            Steps.backward(trainer, data, labels);
            List<float[]> full = Steps.gradients(block);
            trainer.discard();
            trainer.halfPrecision();
            Steps.backward(trainer, data, labels);
            List<float[]> scaled = new ArrayList<>();
            for (float[] values : Steps.gradients(block)) {
                float[] unscaled = new float[values.length];
                for (int i = 0; i < values.length; i++) {
                    unscaled[i] = values[i] / trainer.lossScale();
                }
                scaled.add(unscaled);
            }
            assertThat(Steps.relativeDifference(full, scaled)).isLessThan(5e-3);
        }
    }

    @Test
    void learnsAsFp32Does() {
        SequentialBlock block = Steps.perceptron(2, 16, 0);
        try (Model model = Steps.model(block);
                HeadroomTrainer trainer = HeadroomTrainer.of(model, Steps.config(Steps.adam(0.01f)))
                        .halfPrecision()
                        .clipNorm(1)) {
            trainer.initialize(new Shape(32, 16));
            NDArray data = Steps.random(manager, 32, 16);
            NDArray labels = data.tanh();
            float first = Steps.backward(trainer, data, labels);
            trainer.step();
            float last = first;
            for (int i = 0; i < 60; i++) {
                last = Steps.backward(trainer, data, labels);
                trainer.step();
            }
            assertThat(last).isLessThan(first / 2);
        }
    }

    @Test
    void anOverflowSkipsTheStepTellsAndHalvesTheScale() {
        SequentialBlock block = Steps.perceptron(2, 16, 0);
        List<String> told = new ArrayList<>();
        try (Model model = Steps.model(block);
                HeadroomTrainer trainer = HeadroomTrainer.of(model, Steps.config())
                        .halfPrecision()
                        .tell(told::add)) {
            trainer.initialize(new Shape(8, 16));
            NDArray data = Steps.random(manager, 8, 16);
            List<float[]> before = Steps.values(block);
            Steps.backward(trainer, data, data.add(1e6f));
            trainer.step();
            Steps.assertSame(Steps.values(block), before);
            assertThat(trainer.skipped()).isEqualTo(1);
            assertThat(trainer.lossScale()).isEqualTo(32768f);
            assertThat(told)
                    .containsExactly("Step 1 was skipped: its fp16 gradients overflowed at loss scale 65536."
                            + " The scale is now 32768, the weights are as before.");
            Steps.backward(trainer, data, data);
            trainer.step();
            assertThat(Steps.values(block).get(0)).isNotEqualTo(before.get(0));
        }
    }

    @Test
    void worksWithCheckpointingAndAccumulation() {
        SequentialBlock block = Steps.encoders(2, 16, 0);
        try (Model model = Steps.model(Checkpointing.of(block, 2));
                HeadroomTrainer trainer = HeadroomTrainer.of(model, Steps.config())
                        .halfPrecision()
                        .accumulate(2)) {
            trainer.initialize(new Shape(4, 6, 16));
            NDArray data = Steps.random(manager, 4, 6, 16);
            List<float[]> before = Steps.values(block);
            for (int i = 0; i < 2; i++) {
                Steps.backward(trainer, data, data);
                trainer.step();
            }
            assertThat(trainer.skipped()).isZero();
            assertThat(Steps.values(block).get(0)).isNotEqualTo(before.get(0));
        }
    }

    @Test
    void tokenIdsInFloatsStayTheTokensTheyAre() {
        IdEmbedding embedding = new IdEmbedding.Builder()
                .setDictionarySize(3000)
                .setEmbeddingSize(4)
                .build();
        SequentialBlock block = new SequentialBlock().add(embedding);
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 2));
        NDList ids = new NDList(manager.create(new float[] {2049, 2999}, new Shape(1, 2)));
        try (Model model = Steps.model(block);
                HeadroomTrainer trainer = HeadroomTrainer.of(model, Steps.config())) {
            float[] full = trainer.forward(ids).head().toFloatArray();
            float[] half = trainer.halfPrecision().forward(ids).head().toFloatArray();
            assertThat(LoraTest.difference(full, half)).isLessThan(1e-3);
        }
    }

    @Test
    void aLossThatIsNotANumberEndsInAnErrorNotInSkippingForEver() {
        SequentialBlock block = Steps.perceptron(2, 16, 0);
        try (Model model = Steps.model(block);
                HeadroomTrainer trainer = HeadroomTrainer.of(model, Steps.config())
                        .halfPrecision()
                        .tell(message -> {})) {
            trainer.initialize(new Shape(8, 16));
            NDArray data = Steps.random(manager, 8, 16);
            List<float[]> before = Steps.values(block);
            for (int i = 0; i < 16; i++) {
                Steps.backward(trainer, data, data.mul(Float.NaN));
                trainer.step();
            }
            assertThat(trainer.lossScale()).isEqualTo(1);
            Steps.backward(trainer, data, data.mul(Float.NaN));
            assertThatThrownBy(trainer::step)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("not finite at loss scale 1");
            Steps.assertSame(Steps.values(block), before);
            assertThat(trainer.gathered()).isZero();
            Steps.backward(trainer, data, data);
            trainer.step();
            assertThat(Steps.values(block).get(0)).isNotEqualTo(before.get(0));
        }
    }

    @Test
    void bfloat16IsRefusedBeforeItReachesTheEngine() {
        try (Model model = Steps.model(Steps.perceptron(1, 16, 0));
                HeadroomTrainer trainer = HeadroomTrainer.of(model, Steps.config())) {
            assertThatThrownBy(() -> trainer.precision(DataType.BFLOAT16))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("bfloat16")
                    .hasMessageContaining("Use DataType.FLOAT16");
            assertThatThrownBy(() -> trainer.precision(DataType.INT8)).isInstanceOf(IllegalArgumentException.class);
            trainer.initialize(new Shape(8, 16));
            NDArray data = Steps.random(manager, 8, 16);
            assertThat(Steps.backward(trainer, data, data)).isFinite();
        }
    }

    @Test
    void aBlockThatCannotSaysSoAndTheTrainerGoesOnInFp32() {
        SequentialBlock block = Steps.perceptron(1, 16, 0);
        block.add(new MixesFormats());
        try (Model model = Steps.model(block);
                HeadroomTrainer trainer =
                        HeadroomTrainer.of(model, Steps.config()).halfPrecision()) {
            trainer.initialize(new Shape(8, 16));
            NDArray data = Steps.random(manager, 8, 16);
            assertThatThrownBy(() -> Steps.backward(trainer, data, data))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("mixes fp16 with fp32");
            trainer.precision(DataType.FLOAT32);
            assertThat(Steps.backward(trainer, data, data)).isFinite();
        }
    }

    private static final class Spy extends AbstractBlock {
        private final List<DataType> seen;

        Spy(List<DataType> seen) {
            this.seen = seen;
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
            seen.add(inputs.head().getDataType());
            return inputs;
        }

        @Override
        public Shape[] getOutputShapes(Shape[] shapes) {
            return shapes;
        }
    }

    /** A constant made in fp32, as many hand-written layers have. */
    private static final class MixesFormats extends AbstractBlock {
        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
            NDArray x = inputs.head();
            return new NDList(x.matMul(x.getManager().eye(16)));
        }

        @Override
        public Shape[] getOutputShapes(Shape[] shapes) {
            return shapes;
        }
    }
}

package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.training.EasyTrain;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointingTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 8})
    void givesTheGradientsOfThePlainPassBitForBit(int segments) {
        SequentialBlock plain = Steps.perceptron(8, 16, 0);
        sameGradients(plain, Checkpointing.of(plain, segments), new Shape(4, 16), 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void givesTheGradientsOfTransformerLayersToOneInAMillion(int segments) {
        SequentialBlock plain = Steps.encoders(4, 8, 0);
        sameGradients(plain, Checkpointing.of(plain, segments), new Shape(3, 5, 8), 1e-6);
    }

    @Test
    void aSegmentBetweenOtherLayersPassesItsGradientOn() {
        SequentialBlock plain = new SequentialBlock()
                .add(Linear.builder().setUnits(8).build())
                .addAll(Steps.encoders(2, 8, 0).getChildren().values())
                .add(Linear.builder().setUnits(8).build());
        List<Block> layers = plain.getChildren().values();
        SequentialBlock cheaper = new SequentialBlock()
                .add(layers.get(0))
                .add(Checkpointing.segment(layers.get(1)))
                .add(Checkpointing.segment(layers.get(2)))
                .add(layers.get(3));
        sameGradients(plain, cheaper, new Shape(3, 5, 8), 1e-6);
    }

    @Test
    void recurrentLayersMayAddTheirStatesToTheirInput() {
        SequentialBlock plain = new SequentialBlock()
                .add(Linear.builder().setUnits(6).build())
                .add(LSTM.builder().setNumLayers(1).setStateSize(6).build())
                .add(LSTM.builder().setNumLayers(1).setStateSize(6).build());
        sameGradients(plain, Checkpointing.of(plain, 3), new Shape(3, 5, 6), 1e-6);
    }

    @Test
    void aSegmentBesideASkipConnectionPassesItsGradientOn() {
        SequentialBlock plain = Steps.encoders(2, 8, 0);
        SequentialBlock head =
                new SequentialBlock().add(Linear.builder().setUnits(8).build());
        SequentialBlock whole = new SequentialBlock().add(head).add(new Skip(plain));
        SequentialBlock cheaper = new SequentialBlock().add(head).add(new Skip(Checkpointing.of(plain, 2)));
        sameGradients(whole, cheaper, new Shape(3, 5, 8), 1e-6);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void segmentsOneAfterAnotherBesideSkipConnectionsPassTheirGradientsOn(boolean inASegment) {
        SequentialBlock head =
                new SequentialBlock().add(Linear.builder().setUnits(8).build());
        SequentialBlock whole = new SequentialBlock().add(head);
        SequentialBlock cheaper = new SequentialBlock().add(head);
        for (Block layer : Steps.perceptron(3, 8, 0).getChildren().values()) {
            whole.add(new Skip(layer));
            cheaper.add(new Skip(Checkpointing.segment(layer)));
        }
        sameGradients(whole, inASegment ? Checkpointing.segment(cheaper) : cheaper, new Shape(3, 8), 1e-6);
    }

    @Test
    void replaysDropoutWithTheMasksOfTheForwardPass() {
        SequentialBlock plain = Steps.perceptron(4, 16, 0.5f);
        Block cheaper = Checkpointing.of(plain, 2);
        try (Model model = Steps.model(cheaper);
                Trainer trainer = HeadroomTrainer.of(model, Steps.config())) {
            trainer.initialize(new Shape(4, 16));
            NDArray data = Steps.random(manager, 4, 16);
            NDArray labels = Steps.random(manager, 4, 16);
            Autograd.seed(7);
            float loss = Steps.backward(trainer, data, labels);
            List<float[]> checkpointed = Steps.gradients(plain);
            Autograd.zeroGradients(plain);

            Autograd.seed(7);
            float expected = seededAtTheBorders(plain, trainer, data, labels);
            assertThat(loss).isEqualTo(expected);
            Steps.assertSame(checkpointed, Steps.gradients(plain));
        }
    }

    @Test
    void twoStepsDropDifferentValues() {
        SequentialBlock plain = Steps.perceptron(2, 16, 0.5f);
        try (Model model = Steps.model(Checkpointing.of(plain, 2));
                Trainer trainer = HeadroomTrainer.of(model, Steps.config())) {
            trainer.initialize(new Shape(4, 16));
            NDArray data = Steps.random(manager, 4, 16);
            NDArray labels = Steps.random(manager, 4, 16);
            assertThat(Steps.backward(trainer, data, labels)).isNotEqualTo(Steps.backward(trainer, data, labels));
        }
    }

    @Test
    void updatesRunningStatisticsOnce() {
        SequentialBlock plain = Steps.encoders(2, 8, 0);
        try (Model model = Steps.model(plain);
                Trainer trainer = HeadroomTrainer.of(model, Steps.config());
                Model cheap = Steps.model(Checkpointing.of(plain, 2));
                Trainer saving = HeadroomTrainer.of(cheap, Steps.config())) {
            trainer.initialize(new Shape(3, 5, 8));
            saving.initialize(new Shape(3, 5, 8));
            NDArray data = Steps.random(manager, 3, 5, 8);
            try (RunningStatistics before = RunningStatistics.of(plain)) {
                Steps.backward(trainer, data, data);
                List<float[]> once = Steps.values(plain);
                before.restore();
                Steps.backward(saving, data, data);
                Steps.assertSame(Steps.values(plain), once);
            }
        }
    }

    @Test
    void aReplayThatFailsLeavesStatisticsAndSeedsAsOneThatDoesNot() {
        SequentialBlock plain = Steps.encoders(1, 8, 0.3f);
        AccumulationTest.Failing failing = new AccumulationTest.Failing(plain);
        try (Model model = Steps.model(Checkpointing.segment(failing));
                Trainer trainer = model.newTrainer(Steps.config())) {
            trainer.initialize(new Shape(3, 5, 8));
            NDArray data = Steps.random(manager, 3, 5, 8);
            try (RunningStatistics before = RunningStatistics.of(plain)) {
                Autograd.seed(5);
                Autograd.drawSeed(manager);
                try (GradientCollector collector = Checkpointing.newGradientCollector(trainer)) {
                    Steps.backward(trainer, collector, data, data);
                }
                long next = Autograd.drawSeed(manager);
                List<float[]> statistics = Steps.values(plain);
                before.restore();

                failing.atCall = failing.calls + 2;
                Autograd.seed(5);
                Autograd.drawSeed(manager);
                assertThatThrownBy(() -> {
                            try (GradientCollector collector = Checkpointing.newGradientCollector(trainer)) {
                                Steps.backward(trainer, collector, data, data);
                            }
                        })
                        .hasMessageContaining("can't allocate");
                assertThat(Autograd.drawSeed(manager)).isEqualTo(next);
                Steps.assertSame(Steps.values(plain), statistics);
            }
        }
    }

    @Test
    void trainsWithEasyTrain() throws Exception {
        SequentialBlock plain =
                Steps.perceptron(4, 16, 0.1f).add(Linear.builder().setUnits(1).build());
        try (Model model = Steps.model(Checkpointing.of(plain, 3));
                Trainer trainer = HeadroomTrainer.of(model, Steps.config(Steps.adam(0.01f)))) {
            trainer.initialize(new Shape(8, 16));
            NDArray data = Steps.random(manager, 32, 16);
            NDArray labels = data.sum(new int[] {1}, true);
            EasyTrain.fit(trainer, 1, Steps.dataset(data, labels, 8), null);
            float before = loss(trainer, data, labels);
            EasyTrain.fit(trainer, 20, Steps.dataset(data, labels, 8), null);
            assertThat(loss(trainer, data, labels)).isLessThan(before / 2);
        }
    }

    @Test
    void handWrittenLoopsTakeTheCollectorFromHere() {
        SequentialBlock plain = Steps.perceptron(4, 16, 0);
        try (Model model = Steps.model(Checkpointing.of(plain, 4));
                Trainer trainer = model.newTrainer(Steps.config())) {
            trainer.initialize(new Shape(4, 16));
            NDArray data = Steps.random(manager, 4, 16);
            try (GradientCollector collector = Checkpointing.newGradientCollector(trainer)) {
                Steps.backward(trainer, collector, data, data);
            }
            assertThat(Steps.gradients(plain)).doesNotContainNull();
            assertThatThrownBy(() -> Steps.backward(trainer, data, data))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Checkpointing.newGradientCollector(trainer)");
            try (GradientCollector next = Checkpointing.newGradientCollector(trainer)) {
                Steps.backward(trainer, next, data, data);
            }
        }
    }

    @Test
    void moreSegmentsThanLayersNamesBoth() {
        assertThatThrownBy(() -> Checkpointing.of(Steps.perceptron(4, 16, 0), 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("segments = 5, but SequentialBlock has 4 layers: use from 1 to 4.");
        assertThatThrownBy(() -> Checkpointing.of(Linear.builder().setUnits(1).build(), 2))
                .hasMessageContaining("has 1 layer");
    }

    @Test
    void noSegmentsAtAllIsRefused() {
        assertThatThrownBy(() -> Checkpointing.of(Steps.perceptron(4, 16, 0), 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("segments = 0");
    }

    private void sameGradients(Block plain, Block cheaper, Shape shape, double tolerance) {
        try (Model model = Steps.model(plain);
                Trainer trainer = model.newTrainer(Steps.config());
                Model cheap = Steps.model(cheaper);
                Trainer saving = HeadroomTrainer.of(cheap, Steps.config())) {
            trainer.initialize(shape);
            saving.initialize(shape);
            NDArray data = Steps.random(manager, shape.getShape());
            NDArray labels = Steps.random(manager, shape.getShape());
            float loss = Steps.backward(trainer, data, labels);
            List<float[]> expected = Steps.gradients(plain);
            Autograd.zeroGradients(plain);
            assertThat(Steps.backward(saving, data, labels)).isEqualTo(loss);
            if (tolerance == 0) {
                Steps.assertSame(Steps.gradients(plain), expected);
            } else {
                assertThat(Steps.relativeDifference(expected, Steps.gradients(plain)))
                        .isLessThan(tolerance);
            }
        }
    }

    private static float loss(Trainer trainer, NDArray data, NDArray labels) {
        return trainer.getLoss()
                .evaluate(new ai.djl.ndarray.NDList(labels), trainer.evaluate(new ai.djl.ndarray.NDList(data)))
                .getFloat();
    }

    private float seededAtTheBorders(SequentialBlock plain, Trainer trainer, NDArray data, NDArray labels) {
        List<Block> layers = plain.getChildren().values();
        ai.djl.training.ParameterStore store = new ai.djl.training.ParameterStore(manager, false);
        Autograd.drawSeed(manager);
        ai.djl.ndarray.NDList current = new ai.djl.ndarray.NDList(data);
        try (GradientCollector collector = manager.getEngine().newGradientCollector()) {
            for (int i = 0; i < layers.size(); i++) {
                if (i % 2 == 0) {
                    Autograd.seed(Autograd.drawSeed(manager));
                }
                current = layers.get(i).forward(store, current, true);
            }
            NDArray loss = trainer.getLoss().evaluate(new ai.djl.ndarray.NDList(labels), current);
            collector.backward(loss);
            return loss.getFloat();
        }
    }

    private static final class Skip extends ai.djl.nn.AbstractBlock {
        private final Block inner;

        Skip(Block inner) {
            this.inner = addChildBlock("inner", inner);
        }

        @Override
        protected ai.djl.ndarray.NDList forwardInternal(
                ai.djl.training.ParameterStore store,
                ai.djl.ndarray.NDList inputs,
                boolean training,
                ai.djl.util.PairList<String, Object> params) {
            NDArray out = inner.forward(store, inputs, training, params).head();
            return new ai.djl.ndarray.NDList(out.add(inputs.head()));
        }

        @Override
        protected void initializeChildBlocks(NDManager manager, ai.djl.ndarray.types.DataType type, Shape... shapes) {
            inner.initialize(manager, type, shapes);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] shapes) {
            return shapes;
        }
    }
}

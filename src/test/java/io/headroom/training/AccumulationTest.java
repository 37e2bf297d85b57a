package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.optimizer.Sgd;
import ai.djl.training.tracker.Tracker;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccumulationTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");
    private SequentialBlock block;
    private Model model;
    private HeadroomTrainer trainer;
    private NDArray data;
    private NDArray labels;

    @BeforeEach
    void open() {
        block = Steps.perceptron(3, 16, 0);
        model = Steps.model(block);
        trainer = HeadroomTrainer.of(model, Steps.config());
        trainer.initialize(new Shape(32, 16));
        data = Steps.random(manager, 32, 16);
        labels = Steps.random(manager, 32, 16);
    }

    @AfterEach
    void close() {
        trainer.close();
        model.close();
        manager.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 8, 32})
    void fourTimesEightIsOneTimesThirtyTwo(int steps) {
        List<float[]> whole = wholeBatch();
        trainer.accumulate(steps);
        for (int i = 0; i < steps; i++) {
            Steps.backward(trainer, part(data, i, steps), part(labels, i, steps));
        }
        assertThat(Steps.relativeDifference(whole, Steps.gradients(block))).isLessThan(1e-5);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 8})
    void microBatchesOfOneBatchGiveItsGradientsAndItsLoss(int steps) {
        float loss = Steps.backward(trainer, data, labels);
        List<float[]> whole = Steps.gradients(block);
        Autograd.zeroGradients(block);
        try (Batch batch = Steps.batch(manager, data, labels)) {
            assertThat(MicroBatches.train(trainer, batch, steps)).isCloseTo(loss, within(1e-5f));
        }
        assertThat(Steps.relativeDifference(whole, Steps.gradients(block))).isLessThan(1e-5);
    }

    @Test
    void updatesOnTheLastBatchOnly() {
        trainer.accumulate(4);
        List<float[]> before = Steps.values(block);
        for (int i = 0; i < 3; i++) {
            Steps.backward(trainer, part(data, i, 4), part(labels, i, 4));
            trainer.step();
            Steps.assertSame(Steps.values(block), before);
        }
        assertThat(trainer.gathered()).isEqualTo(3);
        Steps.backward(trainer, part(data, 3, 4), part(labels, 3, 4));
        trainer.step();
        assertThat(Steps.values(block).get(0)).isNotEqualTo(before.get(0));
        assertThat(trainer.gathered()).isZero();
        assertThat(Steps.gradients(block)).allMatch(AccumulationTest::isZero);
    }

    @Test
    void easyTrainWithAccumulationEqualsEasyTrainWithTheLargeBatch() throws Exception {
        List<float[]> start = Steps.values(block);
        EasyTrain.fit(trainer, 1, Steps.dataset(data, labels, 32), null);
        List<float[]> large = Steps.values(block);
        try (Model other = Steps.model(copy(start));
                HeadroomTrainer small =
                        HeadroomTrainer.of(other, Steps.config()).accumulate(4)) {
            small.initialize(new Shape(8, 16));
            EasyTrain.fit(small, 1, Steps.dataset(data, labels, 8), null);
            // Adam's first update is the sign of the gradient: a rounding near zero can turn it.
            assertThat(Steps.relativeDifference(large, Steps.values(other.getBlock())))
                    .isLessThan(1e-3);
        }
    }

    @Test
    void clipsTheWholeSumNotTheParts() {
        List<float[]> whole = wholeBatch();
        double norm = norm(whole);
        try (Model other = Steps.model(block);
                HeadroomTrainer clipping = HeadroomTrainer.of(
                                other,
                                Steps.config(Optimizer.sgd()
                                        .setLearningRateTracker(ai.djl.training.tracker.Tracker.fixed(1f))
                                        .build()))
                        .accumulate(4)
                        .clipNorm((float) norm / 2)) {
            clipping.initialize(new Shape(8, 16));
            List<float[]> before = Steps.values(block);
            for (int i = 0; i < 4; i++) {
                Steps.backward(clipping, part(data, i, 4), part(labels, i, 4));
                clipping.step();
            }
            List<float[]> after = Steps.values(block);
            float moved = before.get(0)[3] - after.get(0)[3];
            assertThat(moved).isCloseTo(whole.get(0)[3] / 2, within(1e-6f));
        }
    }

    @Test
    void theRestOfAnEpochCountsAsAStepOfItsOwnLength() {
        Steps.backward(trainer, part(data, 0, 2), part(labels, 0, 2));
        List<float[]> half = Steps.gradients(block);
        Autograd.zeroGradients(block);
        // SGD: Adam's first update is the same whatever the gradients are multiplied by
        Optimizer sgd =
                Optimizer.sgd().setLearningRateTracker(Tracker.fixed(1f)).build();
        try (Model other = Steps.model(block);
                HeadroomTrainer training =
                        HeadroomTrainer.of(other, Steps.config(sgd)).accumulate(4)) {
            training.initialize(new Shape(8, 16));
            List<float[]> before = Steps.values(block);
            for (int i = 0; i < 2; i++) {
                Steps.backward(training, part(data, i, 4), part(labels, i, 4));
                training.step();
            }
            Steps.assertSame(Steps.values(block), before);
            training.flush();
            List<float[]> after = Steps.values(block);
            assertThat(Math.abs(half.get(0)[3])).isGreaterThan(1e-4f);
            assertThat(before.get(0)[3] - after.get(0)[3])
                    .isCloseTo(half.get(0)[3], within(2e-3f * Math.abs(half.get(0)[3])));
            assertThat(training.gathered()).isZero();
        }
    }

    @Test
    void runningOutOfMemoryInTheMiddleLeavesTheStateAsBeforeTheStep() {
        SequentialBlock norms = Steps.encoders(1, 16, 0);
        Failing failing = new Failing(norms);
        try (Model fragile = Steps.model(failing);
                HeadroomTrainer training =
                        HeadroomTrainer.of(fragile, Steps.config()).accumulate(4)) {
            List<String> told = new ArrayList<>();
            training.tell(told::add).initialize(new Shape(2, 5, 16));
            NDArray input = Steps.random(manager, 2, 5, 16);
            List<float[]> before = Steps.values(norms);
            Steps.backward(training, input, input);
            training.step();
            assertThat(Steps.relativeDifference(before, Steps.values(norms)))
                    .as("batch norm moved")
                    .isPositive();
            failing.atCall = 2;
            assertThatThrownBy(() -> Steps.backward(training, input, input)).hasMessageContaining("can't allocate");
            Steps.assertSame(Steps.values(norms), before);
            assertThat(Steps.gradients(norms)).allMatch(AccumulationTest::isZero);
            assertThat(training.gathered()).isZero();
            assertThat(told).hasSize(1);

            failing.atCall = 0;
            Steps.backward(training, input, input);
            training.step();
            assertThat(training.gathered()).isEqualTo(1);
        }
    }

    @Test
    void anUpdateThatFailsPartWayDropsItsGradientsAndSaysSo() {
        SequentialBlock layers = Steps.encoders(1, 16, 0);
        Sgd.Builder settings = Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.1f));
        Sgd sgd = settings.build();
        boolean[] full = {true};
        Optimizer failing = new Optimizer(settings) {
            private int calls;

            @Override
            public void update(String id, NDArray weight, NDArray gradient) {
                if (full[0] && ++calls == 3) {
                    throw new EngineException(
                            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes.");
                }
                sgd.update(id, weight, gradient);
            }
        };
        try (Model fragile = Steps.model(layers);
                HeadroomTrainer training = HeadroomTrainer.of(fragile, Steps.config(failing))) {
            List<String> told = new ArrayList<>();
            training.tell(told::add).initialize(new Shape(2, 5, 16));
            NDArray input = Steps.random(manager, 2, 5, 16);
            Steps.backward(training, input, input);
            assertThatThrownBy(training::step).hasMessageContaining("can't allocate");
            assertThat(Steps.gradients(layers)).allMatch(AccumulationTest::isZero);
            assertThat(training.gathered()).isZero();
            assertThat(told).singleElement().asString().contains("part-way");

            full[0] = false;
            Steps.backward(training, input, input);
            training.step();
            assertThat(training.gathered()).isZero();
        }
    }

    @Test
    void aMicroBatchThatFailsLeavesTheStateAsBeforeTheStep() {
        SequentialBlock norms = Steps.encoders(1, 16, 0);
        Failing failing = new Failing(norms);
        try (Model fragile = Steps.model(failing);
                Trainer training = fragile.newTrainer(Steps.config())) {
            training.initialize(new Shape(4, 5, 16));
            NDArray input = Steps.random(manager, 4, 5, 16);
            List<float[]> before = Steps.values(norms);
            failing.atCall = 3;
            try (Batch batch = Steps.batch(manager, input, input)) {
                assertThatThrownBy(() -> MicroBatches.train(training, batch, 4)).hasMessageContaining("can't allocate");
            }
            Steps.assertSame(Steps.values(norms), before);
            assertThat(Steps.gradients(norms)).allMatch(AccumulationTest::isZero);
        }
    }

    @Test
    void aListenerThatFailsAfterTheLastMicroBatchLeavesTheStateAsBeforeTheStep() {
        SequentialBlock norms = Steps.encoders(1, 16, 0);
        try (Model fragile = Steps.model(norms);
                Trainer training = fragile.newTrainer(Steps.config().addTrainingListeners(new FailingOnce()))) {
            training.initialize(new Shape(4, 5, 16));
            NDArray input = Steps.random(manager, 4, 5, 16);
            List<float[]> before = Steps.values(norms);
            try (Batch batch = Steps.batch(manager, input, input)) {
                assertThatThrownBy(() -> MicroBatches.train(training, batch, 2)).hasMessageContaining("can't allocate");
                Steps.assertSame(Steps.values(norms), before);
                assertThat(Steps.gradients(norms)).allMatch(AccumulationTest::isZero);

                MicroBatches.train(training, batch, 2);
                List<float[]> once = Steps.gradients(norms);
                Autograd.zeroGradients(norms);
                MicroBatches.train(training, batch, 2);
                assertThat(Steps.relativeDifference(once, Steps.gradients(norms)))
                        .isLessThan(1e-5);
            }
        }
    }

    @Test
    void anInterruptAmongGatheredBatchesDropsThemAll() {
        SequentialBlock norms = Steps.encoders(1, 16, 0);
        try (Model fragile = Steps.model(norms);
                HeadroomTrainer training =
                        HeadroomTrainer.of(fragile, Steps.config()).accumulate(3)) {
            training.initialize(new Shape(4, 5, 16));
            NDArray input = Steps.random(manager, 4, 5, 16);
            List<float[]> before = Steps.values(norms);
            try (Batch batch = Steps.batch(manager, input, input)) {
                MicroBatches.train(training, batch, 2);
                training.step();
                Thread.currentThread().interrupt();
                assertThatThrownBy(() -> MicroBatches.train(training, batch, 2))
                        .isInstanceOf(CancellationException.class);
            } finally {
                assertThat(Thread.interrupted()).isTrue();
            }
            assertThat(training.gathered()).isZero();
            assertThat(Steps.gradients(norms)).allMatch(AccumulationTest::isZero);
            Steps.assertSame(Steps.values(norms), before);
        }
    }

    @Test
    void discardingBetweenStepsChangesNothing() {
        SequentialBlock norms = Steps.encoders(1, 16, 0);
        try (Model whole = Steps.model(norms);
                HeadroomTrainer training = HeadroomTrainer.of(whole, Steps.config())) {
            training.initialize(new Shape(4, 5, 16));
            NDArray input = Steps.random(manager, 4, 5, 16);
            Steps.backward(training, input, input);
            training.step();
            List<float[]> after = Steps.values(norms);
            training.discard();
            Steps.assertSame(Steps.values(norms), after);
        }
    }

    @Test
    void aDroppedStepIsPrintedUnlessToldElsewhere() {
        PrintStream console = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        Failing failing = new Failing(Steps.perceptron(1, 16, 0));
        try (Model fragile = Steps.model(failing);
                HeadroomTrainer training = HeadroomTrainer.of(fragile, Steps.config())) {
            training.initialize(new Shape(32, 16));
            failing.fitting = 1;
            assertThatThrownBy(() -> Steps.backward(training, data, labels)).hasMessageContaining("can't allocate");
        } finally {
            System.setOut(console);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8)).contains("its gradients were dropped");
    }

    @Test
    void anInterruptBetweenMicroBatchesDropsTheStep() {
        Failing counting = new Failing(block);
        List<Boolean> gradients = new ArrayList<>();
        counting.before = () -> {
            if (counting.calls == 3) {
                gradients.add(Steps.gradients(block).stream().allMatch(AccumulationTest::isZero));
                Thread.currentThread().interrupt();
            }
        };
        try (Model other = Steps.model(counting);
                Trainer training = other.newTrainer(Steps.config());
                Batch batch = Steps.batch(manager, data, labels)) {
            assertThatThrownBy(() -> MicroBatches.train(training, batch, 4))
                    .isInstanceOf(CancellationException.class)
                    .hasMessageContaining("the weights are as before");
            assertThat(Thread.interrupted()).isTrue();
            assertThat(gradients).as("all zero at the interrupt").containsExactly(false);
            assertThat(Steps.gradients(block)).allMatch(AccumulationTest::isZero);
        } finally {
            Thread.interrupted();
        }
    }

    @Test
    void stepsThatDoNotDivideTheBatchAreRefused() {
        try (Batch batch = Steps.batch(manager, data, labels)) {
            assertThatThrownBy(() -> MicroBatches.train(trainer, batch, 3))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("accumulation steps = 3 do not divide the batch of 32: use one of 1, 2, 4, 8, 16, 32.");
            assertThatThrownBy(() -> MicroBatches.train(trainer, batch, 0)).hasMessageContaining("steps = 0");
        }
        assertThatThrownBy(() -> trainer.accumulate(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("accumulation steps = 0");
        assertThatThrownBy(() -> trainer.clipNorm(Float.NaN)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void accumulationAndCheckpointingFollowTheLossesOfThePlainStep() {
        List<float[]> start = Steps.values(block);
        List<Float> plain = losses(block, 1);
        assertThat(plain.get(5)).isLessThan(0.98f * plain.get(0));
        List<Float> accumulated = losses(copy(start), 4);
        List<Float> checkpointed = losses(Checkpointing.of(copy(start), 2), 1);
        List<Float> both = losses(Checkpointing.of(copy(start), 3), 4);
        for (int i = 0; i < plain.size(); i++) {
            assertThat(checkpointed.get(i)).isCloseTo(plain.get(i), within(1e-5f));
            assertThat(accumulated.get(i)).isCloseTo(plain.get(i), within(1e-5f));
            assertThat(both.get(i)).isCloseTo(plain.get(i), within(1e-5f));
        }
    }

    private List<Float> losses(Block model, int steps) {
        Optimizer sgd =
                Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.1f)).build();
        List<Float> losses = new ArrayList<>();
        try (Model other = Steps.model(model);
                HeadroomTrainer training =
                        HeadroomTrainer.of(other, Steps.config(sgd)).accumulate(steps)) {
            training.initialize(new Shape(32 / steps, 16));
            for (int update = 0; update < 6; update++) {
                float sum = 0;
                for (int i = 0; i < steps; i++) {
                    sum += Steps.backward(training, part(data, i, steps), part(labels, i, steps));
                    training.step();
                }
                losses.add(sum / steps);
            }
        }
        return losses;
    }

    @Test
    void theNumberOfStepsCannotChangeInTheMiddle() {
        trainer.accumulate(4);
        Steps.backward(trainer, data, labels);
        trainer.step();
        assertThatThrownBy(() -> trainer.accumulate(2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1 of 4 batches gathered");
    }

    private List<float[]> wholeBatch() {
        Steps.backward(trainer, data, labels);
        List<float[]> whole = Steps.gradients(block);
        Autograd.zeroGradients(block);
        return whole;
    }

    private static NDArray part(NDArray array, int index, int of) {
        return array.split(of).get(index);
    }

    private SequentialBlock copy(List<float[]> values) {
        SequentialBlock copy = Steps.perceptron(3, 16, 0);
        copy.initialize(manager, ai.djl.ndarray.types.DataType.FLOAT32, new Shape(8, 16));
        for (int i = 0; i < values.size(); i++) {
            copy.getParameters().valueAt(i).getArray().set(values.get(i));
        }
        return copy;
    }

    private static double norm(List<float[]> gradients) {
        double squares = 0;
        for (float[] values : gradients) {
            for (float value : values) {
                squares += (double) value * value;
            }
        }
        return Math.sqrt(squares);
    }

    private static boolean isZero(float[] values) {
        if (values == null) {
            return true;
        }
        for (float value : values) {
            if (value != 0) {
                return false;
            }
        }
        return true;
    }

    private static org.assertj.core.data.Offset<Float> within(float value) {
        return org.assertj.core.data.Offset.offset(value);
    }

    private static final class FailingOnce extends TrainingListenerAdapter {
        private boolean failed;

        @Override
        public void onTrainingBatch(Trainer trainer, BatchData data) {
            if (!failed) {
                failed = true;
                throw new EngineException(
                        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes.");
            }
        }
    }

    /** Runs its block, then fails as PyTorch fails on the CPU at one of its calls. */
    static final class Failing extends ai.djl.nn.AbstractBlock {
        private final Block inner;
        int calls;
        int atCall;
        Runnable before = () -> {};
        long fitting = Long.MAX_VALUE;
        List<Long> sizes = new ArrayList<>();

        Failing(Block inner) {
            this.inner = addChildBlock("inner", inner);
        }

        @Override
        protected ai.djl.ndarray.NDList forwardInternal(
                ai.djl.training.ParameterStore store,
                ai.djl.ndarray.NDList inputs,
                boolean training,
                ai.djl.util.PairList<String, Object> params) {
            calls++;
            before.run();
            sizes.add(inputs.head().getShape().get(0));
            ai.djl.ndarray.NDList result = inner.forward(store, inputs, training, params);
            if (calls == atCall || inputs.head().getShape().get(0) > fitting) {
                throw new EngineException("[enforce fail at alloc_cpu.cpp:119] err == 0."
                        + " DefaultCPUAllocator: can't allocate memory: you tried to allocate 65536000 bytes.");
            }
            return result;
        }

        @Override
        protected void initializeChildBlocks(NDManager manager, ai.djl.ndarray.types.DataType type, Shape... shapes) {
            inner.initialize(manager, type, shapes);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] shapes) {
            return inner.getOutputShapes(shapes);
        }
    }
}

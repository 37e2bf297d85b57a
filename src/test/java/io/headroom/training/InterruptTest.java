package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import io.headroom.remedy.Comparison;
import io.headroom.remedy.Remedies;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An interrupted cell: a kernel sets the flag of its thread, and whatever runs ends there with nothing half done. */
class InterruptTest {
    private static final Workload STEP =
            Workload.mlp().batch(8).dModel(32).layers(2).training(OptimizerKind.ADAM);

    @AfterEach
    void noTestLeavesTheFlag() {
        Thread.interrupted();
    }

    @Test
    void aMeasuredStepEndsBeforeItsNextStageAndTheNextRuns() {
        List<String> stages = new ArrayList<>();
        assertThatThrownBy(() -> StepRunner.run(STEP, stage -> {
                    stages.add(stage);
                    if (stage.equals("forward")) {
                        Thread.currentThread().interrupt();
                    }
                }))
                .isInstanceOf(CancellationException.class)
                .hasMessageContaining("before backward");
        assertThat(stages).containsExactly("build", "forward");
        assertThat(Thread.interrupted()).as("the flag is kept for the caller").isTrue();
        assertThat(StepRunner.run(STEP).loss()).isFinite();
    }

    @Test
    void aBlockOfTheUsersIsGivenBackAsItWas() {
        try (Model model = Steps.model(Steps.perceptron(2, 8, 0));
                NDManager manager = NDManager.newBaseManager("PyTorch")) {
            model.getBlock().initialize(manager, DataType.FLOAT32, new Shape(4, 8));
            List<float[]> before = Steps.values(model.getBlock());
            Workload own = Workload.of(model.getBlock(), new Shape(4, 8), OptimizerKind.ADAM);
            assertThatThrownBy(() -> StepRunner.run(own, stage -> {
                        if (stage.equals("backward")) {
                            Thread.currentThread().interrupt();
                        }
                    }))
                    .isInstanceOf(CancellationException.class);
            Steps.assertSame(Steps.values(model.getBlock()), before);
        }
    }

    @Test
    void aComparisonRunsNoFurtherRow() {
        List<String> rows = new ArrayList<>();
        assertThatThrownBy(() -> Comparison.of(STEP, List.of(Remedies.batch(4), Remedies.batch(2)), row -> {
                    rows.add(row);
                    if (rows.size() == 2) {
                        Thread.currentThread().interrupt();
                    }
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(rows).containsExactly("as it is", "smaller batch, batch 4");
    }

    @Test
    void aShrinkingBatchTriesNoFurther() {
        ShrinkingBatch shrinking = ShrinkingBatch.from(64).tell(line -> {});
        List<Long> tried = new ArrayList<>();
        assertThatThrownBy(() -> shrinking.run(batch -> {
                    tried.add(batch);
                    Thread.currentThread().interrupt();
                    throw new OutOfMemoryError("out of memory");
                }))
                .isInstanceOf(CancellationException.class)
                .hasMessageContaining("batch 32");
        assertThat(tried).containsExactly(64L);
        Thread.interrupted();
        assertThat(shrinking.<Long>run(batch -> batch)).as("where it was").isEqualTo(32);
    }

    @Test
    void aShrinkingTrainingDropsTheStep() {
        interruptedAt(5, 0, (trainer, data) -> {
            try (NDManager manager = NDManager.newBaseManager("PyTorch");
                    Batch batch = Steps.batch(manager, data.duplicate(), data.duplicate())) {
                ShrinkingBatch.from(2).tell(line -> {}).train(trainer, batch);
            }
        });
    }

    @Test
    void aCheckpointedPassEndsBetweenTwoSegments() {
        for (int call : new int[] {1, 3, 5, 6}) { // from the fifth on a layer is recomputed on the way back
            interruptedAt(call, 4, (trainer, data) -> Steps.backward(trainer, data, data));
        }
    }

    @Test
    void underATrainerOfDjlsOwnNoHalfGradientStays() {
        int[] calls = {0};
        SequentialBlock layers = new SequentialBlock();
        for (int i = 0; i < 4; i++) {
            layers.add(new Steps.Layer(new SequentialBlock()
                    .add(new LambdaBlock(inputs -> {
                        if (++calls[0] == 6) {
                            Thread.currentThread().interrupt();
                        }
                        return inputs;
                    }))
                    .add(Linear.builder().setUnits(8).build())));
        }
        Block block = Checkpointing.of(layers, 4);
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Model model = Steps.model(block);
                Trainer trainer = model.newTrainer(Steps.config())) {
            trainer.initialize(new Shape(8, 8));
            calls[0] = 0;
            NDArray data = Steps.random(manager, 8, 8);
            assertThatThrownBy(() -> {
                        try (GradientCollector collector = Checkpointing.newGradientCollector(trainer)) {
                            Steps.backward(trainer, collector, data, data);
                        }
                    })
                    .isInstanceOf(CancellationException.class);
            assertThat(Steps.gradients(block))
                    .allSatisfy(gradient -> assertThat(gradient == null ? new float[1] : gradient)
                            .containsOnly(0f));
        }
    }

    @Test
    void aLoopEndsAtItsNextBatchWithTheWeightsOfItsLastUpdate() {
        SequentialBlock block = Steps.perceptron(2, 8, 0);
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Model model = Steps.model(block);
                HeadroomTrainer trainer =
                        HeadroomTrainer.of(model, Steps.config()).accumulate(2).tell(line -> {})) {
            trainer.initialize(new Shape(4, 8));
            Lora.of(block, 2);
            NDArray data = Steps.random(manager, 4, 8);
            AtomicInteger batches = new AtomicInteger();
            List<List<float[]>> updated = new ArrayList<>();
            assertThatThrownBy(() -> {
                        while (true) {
                            Steps.backward(trainer, data, data);
                            trainer.step();
                            if (batches.incrementAndGet() % 2 == 0) {
                                updated.add(Steps.values(block));
                            }
                            if (batches.get() == 5) {
                                Thread.currentThread().interrupt();
                            }
                        }
                    })
                    .isInstanceOf(CancellationException.class)
                    .hasMessageContaining("the weights are those of the last update");
            assertThat(batches.get()).isEqualTo(5);
            assertThat(trainer.gathered()).isZero();
            Steps.assertSame(Steps.values(block), updated.get(1));
            assertThat(Steps.gradients(block))
                    .allSatisfy(gradient -> assertThat(gradient == null ? new float[1] : gradient)
                            .containsOnly(0f));
        }
    }

    @Test
    void aSampleTrainingEndsWithItsBatch() {
        List<String> epochs = new ArrayList<>();
        assertThatThrownBy(() -> SampleTraining.of(8, 64 * Bytes.KIB).epochs(9).run(epoch -> {
                    epochs.add(epoch);
                    if (epochs.size() == 2) {
                        Thread.currentThread().interrupt();
                    }
                }))
                .isInstanceOf(CancellationException.class)
                .hasMessageContaining("epoch 2");
        assertThat(epochs).hasSize(2);
        Thread.interrupted();
        assertThat(SampleTraining.of(8, 64 * Bytes.KIB).run().loss()).isFinite();
    }

    @Test
    void aProbeEndsItsOtherJvm() throws InterruptedException {
        Thread here = Thread.currentThread();
        assertThatThrownBy(() -> Probe.of(
                        Workload.mlp().batch(8).dModel(512).layers(4).training(OptimizerKind.ADAM),
                        Bytes.GIB,
                        stage -> {
                            if (!stage.startsWith("starting")) {
                                here.interrupt();
                            }
                        }))
                .isInstanceOf(CancellationException.class)
                .hasMessageContaining("its JVM was ended");
        Thread.interrupted();
        for (int i = 0; i < 100 && probes() > 0; i++) {
            Thread.sleep(50);
        }
        assertThat(probes()).isZero();
    }

    private static long probes() {
        return ProcessHandle.current()
                .children()
                .filter(child ->
                        child.isAlive() && child.info().commandLine().orElse("").contains(ProbeProcess.class.getName()))
                .count();
    }

    private interface Body {
        void run(HeadroomTrainer trainer, NDArray data);
    }

    /** Interrupts from the so manieth call of a layer, and looks at the state after. */
    private static void interruptedAt(int call, int segments, Body body) {
        AtomicInteger calls = new AtomicInteger();
        boolean[] armed = {false};
        SequentialBlock layers = new SequentialBlock();
        for (int i = 0; i < 4; i++) {
            layers.add(new Steps.Layer(new SequentialBlock()
                    .add(new LambdaBlock(inputs -> {
                        if (armed[0] && calls.incrementAndGet() == call) {
                            Thread.currentThread().interrupt();
                        }
                        return inputs;
                    }))
                    .add(Linear.builder().setUnits(8).build())));
        }
        Block whole = segments == 0 ? layers : Checkpointing.of(layers, segments);
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Model model = Steps.model(whole);
                HeadroomTrainer trainer =
                        HeadroomTrainer.of(model, Steps.config()).tell(line -> {})) {
            trainer.initialize(new Shape(8, 8));
            List<float[]> before = Steps.values(whole);
            NDArray data = Steps.random(manager, 8, 8);
            armed[0] = true;
            assertThatThrownBy(() -> body.run(trainer, data)).isInstanceOf(CancellationException.class);
            armed[0] = false;
            assertThat(Thread.interrupted()).isTrue();
            Steps.assertSame(Steps.values(whole), before);
            assertThat(Steps.gradients(whole))
                    .allSatisfy(gradient -> assertThat(gradient == null ? new float[1] : gradient)
                            .containsOnly(0f));
            Steps.backward(trainer, data, data);
            trainer.step();
            assertThat(Steps.values(whole).get(0)).isNotEqualTo(before.get(0));
        }
    }
}

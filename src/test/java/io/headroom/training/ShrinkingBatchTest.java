package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ShrinkingBatchTest {
    private final List<String> told = new ArrayList<>();
    private final List<Long> ran = new ArrayList<>();

    @Test
    void halvesUntilItFits() {
        List<Long> tried = new ArrayList<>();
        ShrinkingBatch shrinking = ShrinkingBatch.from(64).tell(told::add);
        assertThat(shrinking.<String>run(batch -> attempt(batch, 8, tried))).isEqualTo("ran 8");
        assertThat(tried).containsExactly(64L, 32L, 16L, 8L);
        assertThat(told)
                .containsExactly(
                        "Batch 64 does not fit; trying 32 (half).",
                        "Batch 32 does not fit; trying 16 (half).",
                        "Batch 16 does not fit; trying 8 (half).");
        assertThat(shrinking.<String>run(batch -> attempt(batch, 8, tried))).isEqualTo("ran 8");
        assertThat(shrinking.failures()).isEqualTo(3);
    }

    @Test
    void jumpsStraightToThePredictedSize() {
        List<Long> tried = new ArrayList<>();
        ShrinkingBatch shrinking =
                ShrinkingBatch.from(64).predict(batch -> batch << 20, 11L << 20).tell(told::add);
        shrinking.run(batch -> attempt(batch, 11, tried));
        assertThat(tried).containsExactly(64L, 11L);
        assertThat(told).containsExactly("Batch 64 does not fit; trying 11 (predicted 11.00 MiB of 11.00 MiB).");
    }

    @Property
    void withAPredictionToAFifthTwoFailuresAreTheMost(
            @ForAll @LongRange(min = 2, max = 4096) long first,
            @ForAll @LongRange(min = 1, max = 4096) long fits,
            @ForAll @LongRange(min = 80, max = 120) long percent) {
        ShrinkingBatch shrinking = ShrinkingBatch.from(first)
                .predict(batch -> batch * percent, fits * 100)
                .tell(message -> {});
        shrinking.run(batch -> attempt(batch, fits, new ArrayList<>()));
        assertThat(shrinking.failures()).isLessThanOrEqualTo(2);
        // the largest predicted to fit; where that was too hopeful, the half of it
        long atLeast = percent < 100 ? fits / 2 : Math.max(1, fits * 100 / percent);
        assertThat(shrinking.batch()).isBetween(Math.min(first, atLeast), Math.min(first, fits));
    }

    @Test
    void aBatchOfOneThatDoesNotFitSaysWhatIsLeft() {
        assertThatThrownBy(
                        () -> ShrinkingBatch.from(2).tell(told::add).run(batch -> attempt(batch, 0, new ArrayList<>())))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a batch of 1 still does not fit")
                .hasMessageContaining("gradient checkpointing")
                .hasCauseInstanceOf(EngineException.class);
    }

    @Test
    void otherErrorsGoThroughAtOnce() {
        ShrinkingBatch shrinking = ShrinkingBatch.from(8).tell(told::add);
        assertThatThrownBy(() -> shrinking.run(batch -> {
                    throw new IllegalArgumentException("shapes differ");
                }))
                .hasMessage("shapes differ");
        assertThat(shrinking.failures()).isZero();
        assertThatThrownBy(() -> ShrinkingBatch.from(0)).hasMessageContaining("batch = 0");
    }

    @Test
    void trainingKeepsTheUpdateOfTheWholeBatch() {
        SequentialBlock block = Steps.perceptron(2, 16, 0);
        AccumulationTest.Failing small = new AccumulationTest.Failing(block);
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Model model = Steps.model(small);
                Trainer trainer = model.newTrainer(Steps.config())) {
            trainer.initialize(new Shape(32, 16));
            NDArray data = Steps.random(manager, 32, 16);
            NDArray labels = Steps.random(manager, 32, 16);
            Steps.backward(trainer, data, labels);
            List<float[]> whole = Steps.gradients(block);
            Autograd.zeroGradients(block);
            small.fitting = 8;
            ShrinkingBatch shrinking = ShrinkingBatch.from(32).tell(told::add);
            try (Batch batch = Steps.batch(manager, data, labels)) {
                shrinking.train(trainer, batch);
            }
            assertThat(Steps.relativeDifference(whole, Steps.gradients(block))).isLessThan(1e-5);
            assertThat(shrinking.batch()).isEqualTo(8);
            assertThat(told).hasSize(2);
        }
    }

    @Test
    void anOddBatchRunsWhatIsToldAndKeepsItsUpdate() {
        train(predicting(61, 30), 61, 30);
        assertThat(told).containsExactly("Batch 61 does not fit; trying 21 (predicted 21.00 MiB of 30.00 MiB).");
        assertThat(ran).containsExactly(61L, 21L, 20L, 20L);
    }

    @Test
    void aPredictedSizeThatDoesNotDivideTheBatchIsToldAsItRuns() {
        train(predicting(64, 49), 64, 49);
        assertThat(told).containsExactly("Batch 64 does not fit; trying 32 (predicted 32.00 MiB of 49.00 MiB).");
        assertThat(ran).containsExactly(64L, 32L, 32L);
    }

    @Test
    void noMicroBatchIsTriedTwice() {
        assertThatThrownBy(() -> train(ShrinkingBatch.from(61), 61, 0)).hasMessageContaining("a batch of 1 still");
        assertThat(ran).doesNotHaveDuplicates().startsWith(61L).endsWith(1L);
        assertThat(told).hasSize(ran.size() - 1);
    }

    @Test
    void saysWhereNoneIsPredictedToFit() {
        assertThatThrownBy(() -> train(predicting(61, 0), 61, 0)).hasMessageContaining("a batch of 1 still");
        assertThat(ran).containsExactly(61L, 1L);
        assertThat(told).singleElement().asString().contains("trying 1 (none is predicted to fit: 1024.00 KiB of ");
    }

    @Test
    void knowsTheWordsOfTheLibrariesBelow() {
        assertThat(ShrinkingBatch.isOutOfMemory(new EngineException("std::bad_alloc")))
                .isTrue();
        assertThat(ShrinkingBatch.isOutOfMemory(new EngineException("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")))
                .isTrue();
        assertThat(ShrinkingBatch.isOutOfMemory(new EngineException("unknown allocator 3")))
                .isFalse();
    }

    private static ShrinkingBatch predicting(long first, long fits) {
        return ShrinkingBatch.from(first).predict(batch -> batch << 20, fits << 20);
    }

    /** Trains one batch where only so many samples fit at once, and compares its gradients with the whole batch's. */
    private void train(ShrinkingBatch shrinking, long size, long fits) {
        SequentialBlock block = Steps.perceptron(2, 16, 0);
        AccumulationTest.Failing small = new AccumulationTest.Failing(block);
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Model model = Steps.model(small);
                Trainer trainer = model.newTrainer(Steps.config())) {
            trainer.initialize(new Shape(size, 16));
            NDArray data = Steps.random(manager, size, 16);
            NDArray labels = Steps.random(manager, size, 16);
            float loss = Steps.backward(trainer, data, labels);
            List<float[]> whole = Steps.gradients(block);
            Autograd.zeroGradients(block);
            small.fitting = fits;
            small.sizes = ran;
            try (Batch batch = Steps.batch(manager, data, labels)) {
                assertThat(shrinking.tell(told::add).train(trainer, batch)).isCloseTo(loss, Offset.offset(1e-5f));
            }
            assertThat(Steps.relativeDifference(whole, Steps.gradients(block))).isLessThan(1e-5);
        }
    }

    private static String attempt(long batch, long fits, List<Long> tried) {
        tried.add(batch);
        if (batch > fits) {
            throw new EngineException("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.");
        }
        return "ran " + batch;
    }
}

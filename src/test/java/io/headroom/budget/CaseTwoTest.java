package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Sharding;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.Test;

class CaseTwoTest {
    private static final Workload STEP = Workload.transformer()
            .batch(64)
            .nodes(25)
            .seq(80)
            .heads(8)
            .dModel(128)
            .layers(2)
            .features(7)
            .training(OptimizerKind.ADAM);

    @Test
    void handArithmeticIsTheAuthors() {
        Formula formula = Formula.of(STEP);
        assertThat(formula.byHand())
                .extracting(Formula.Line::bytes)
                .containsExactly(3_584_000L, 65_536_000L, 327_680_000L, 65_536_000L, 458_752_000L, 921_088_000L);
        assertThat(formula.byHand().get(2).expression()).isEqualTo("64 × 25 × 8 × 80 × 80 × 4 B");
    }

    /** Where eight devices share the batch, the arithmetic is of the eighth that one of them runs. */
    @Test
    void handArithmeticIsOfOneDevice() {
        Workload shared = STEP.with(Option.SHARDING, Sharding.DDP).with(Option.DEVICES, 8L);
        assertThat(Formula.of(shared).byHand())
                .isEqualTo(Formula.of(STEP.batch(8)).byHand());
        Workload split = STEP.with(Option.SHARDING, Sharding.TENSOR).with(Option.DEVICES, 4L);
        assertThat(Formula.of(split).byHand().get(2).expression()).isEqualTo("64 × 25 × 2 × 80 × 80 × 4 B");
    }

    @Test
    void inferenceHasNoBackwardPass() {
        Formula formula = Formula.of(STEP.inference());
        assertThat(formula.byHand())
                .extracting(Formula.Line::bytes)
                .containsExactly(3_584_000L, 65_536_000L, 327_680_000L, 393_216_000L, 790_016_000L);
        assertThat(formula.byHand() + " " + formula.real()).doesNotContain("gradient", "backward");
    }

    @Test
    void aRealStepNeedsElevenAndAHalfGibibytes() {
        Estimate estimate = Estimate.of(STEP);
        assertThat(estimate.deviceBytes()).isCloseTo(Bytes.parse("11.5 GiB"), withPercentage(2));
        assertThat(estimate.peakPhase()).isEqualTo("backward");
        assertThat(estimate.peakOperator()).startsWith("layer 2");
        assertThat(estimate.atPeak().values().stream()
                        .mapToLong(Long::longValue)
                        .sum())
                .isEqualTo(estimate.peakAllocatedBytes());
    }

    @Test
    void linearInBatchAndNodes() {
        long full = Estimate.of(STEP).activationsBytes();
        assertThat(Estimate.of(STEP.batch(8)).activationsBytes()).isCloseTo(full / 8, withPercentage(0.1));
        assertThat(Estimate.of(STEP.nodes(5)).activationsBytes()).isCloseTo(full / 5, withPercentage(0.1));
    }

    @Test
    void doesNotFitTheCapAndTheSolverFindsABatchThatDoes() {
        long cap = Bytes.parse("9.07 GiB");
        assertThat(Verdict.of(Estimate.of(STEP), cap)).isEqualTo(Verdict.DOES_NOT_FIT);
        for (Malloc malloc : Malloc.values()) {
            long batch = Solver.largest(STEP, Option.BATCH, cap, malloc).orElseThrow();
            assertThat(Verdict.of(Estimate.of(STEP.batch(batch), malloc), cap)).isEqualTo(Verdict.FITS);
            assertThat(Verdict.of(Estimate.of(STEP.batch(batch + 1), malloc), cap))
                    .isNotEqualTo(Verdict.FITS);
            assertThat(batch)
                    .as("with %s", malloc)
                    .isBetween(
                            malloc == Malloc.THRESHOLDS_FIXED ? 40L : 30L,
                            malloc == Malloc.THRESHOLDS_FIXED ? 50L : 38L);
        }
        assertThat(Solver.largestBatch(STEP, cap)).isEqualTo(Solver.largest(STEP, Option.BATCH, cap, Malloc.here()));
    }

    @Test
    void whereMallocKeepsFreedBlocksTheBoundIsWiderAndNothingElse() {
        Estimate fixed = Estimate.of(STEP, Malloc.THRESHOLDS_FIXED);
        Estimate kept = Estimate.of(STEP, Malloc.AS_IT_COMES);
        assertThat(kept.deviceBytes()).isEqualTo(fixed.deviceBytes());
        assertThat(kept.upperBytes()).isGreaterThan(fixed.upperBytes());
        assertThat(fixed.missRate()).hasValue(MissRate.of(Malloc.THRESHOLDS_FIXED));
        Workload onCard = STEP.device("A100 40GB");
        assertThat(Estimate.of(onCard, Malloc.AS_IT_COMES).upperBytes())
                .isEqualTo(Estimate.of(onCard, Malloc.THRESHOLDS_FIXED).upperBytes());
        assertThat(Estimate.of(onCard).missRate()).isEmpty();
    }

    @Test
    void convolutionsInABlockHaveTheirOwnBound() {
        Block block = new SequentialBlock()
                .add(Conv2d.builder()
                        .setKernelShape(new Shape(3, 3))
                        .setFilters(8)
                        .build())
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(10).build());
        Workload step = Workload.of(block, new Shape(8, 3, 32, 32), OptimizerKind.SGD);
        assertThat(Estimate.of(step, Malloc.AS_IT_COMES).boundPercent())
                .isEqualTo(Estimate.of(Workload.cnn(), Malloc.AS_IT_COMES).boundPercent())
                .isGreaterThan(Estimate.of(STEP, Malloc.AS_IT_COMES).boundPercent());
    }

    @Test
    void nothingFitsNothing() {
        assertThat(Solver.largestBatch(STEP, Bytes.MIB)).isEmpty();
    }
}

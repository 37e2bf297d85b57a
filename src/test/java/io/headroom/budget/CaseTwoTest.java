package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

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
        long batch = Solver.largestBatch(STEP, cap).orElseThrow();
        assertThat(batch).isBetween(40L, 50L);
        assertThat(Verdict.of(Estimate.of(STEP.batch(batch)), cap)).isEqualTo(Verdict.FITS);
        assertThat(Verdict.of(Estimate.of(STEP.batch(batch + 1)), cap)).isNotEqualTo(Verdict.FITS);
    }

    @Test
    void nothingFitsNothing() {
        assertThat(Solver.largestBatch(STEP, Bytes.MIB)).isEmpty();
    }
}

package io.headroom.remedy;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.budget.Estimate;
import io.headroom.memory.MemoryLimit;
import io.headroom.memory.Reading;
import io.headroom.render.Bundle;
import io.headroom.render.ComparisonView;
import io.headroom.training.Measurement;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ComparisonTest {
    private static final Workload STEP = Workload.transformer()
            .batch(8)
            .seq(64)
            .heads(8)
            .dModel(64)
            .ff(256)
            .layers(4)
            .training(OptimizerKind.ADAM);

    @Test
    void everyRemedyThatChangesTheStepReallyRuns() {
        List<String> told = new ArrayList<>();
        Comparison comparison = Comparison.of(
                STEP,
                List.of(
                        Remedies.batch(2),
                        Remedies.accumulate(4),
                        Remedies.checkpointing(4),
                        Remedies.chunkedAttention(8),
                        Remedies.halfPrecision(),
                        Remedies.seq(32),
                        Remedies.checkpointing(9)),
                told::add);
        assertThat(told).hasSize(8).startsWith("as it is");
        // how much each saves is measured where nothing else runs, see RemedyBench
        assertThat(comparison.rows().subList(0, 7))
                .allSatisfy(
                        row -> assertThat(row.measuredBytes()).as(row.title()).isPositive());
        assertThat(comparison.rows().get(1).measuredBytes())
                .isLessThan(comparison.rows().get(0).measuredBytes());
        Comparison.Row refused = comparison.rows().get(7);
        assertThat(refused.measured()).isEmpty();
        assertThat(refused.obstacle().orElseThrow()).contains("9 segments");
        Bundle view = ComparisonView.of(comparison);
        assertThat(view.plain()).contains("gradient checkpointing, 4 segments").contains("does not apply");
        assertThat((String) view.data().get(Bundle.HTML)).contains("<table>").doesNotContain("<script");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aVariantThatRunsOutOfMemoryIsARowAndTheNextRunsAllTheSame() {
        Comparison.of(STEP.batch(1), List.of(), title -> {});
        MemoryLimit.set(Reading.now().rss().orElseThrow() + 128 * Bytes.MIB);
        try {
            Workload large = STEP.batch(64);
            Comparison comparison = Comparison.of(large, List.of(Remedies.batch(2)), title -> {});
            assertThat(comparison.rows().get(0).measured()).isEmpty();
            assertThat(comparison.rows().get(0).obstacle().orElseThrow()).contains("can't allocate memory");
            assertThat(comparison.rows().get(1).measured()).isPresent();
            assertThat(ComparisonView.of(comparison).plain()).contains("out of memory");
        } finally {
            MemoryLimit.lift();
        }
    }

    @Test
    void onCudaBothFiguresLeaveTheContextOut() {
        Workload step = STEP.device("cuda");
        Estimate estimate = Estimate.of(step);
        Measurement measured =
                new Measurement(step, 500 * Bytes.MIB, estimate.peakReservedBytes(), Duration.ofSeconds(1), 0, false);
        Comparison.Row row =
                new Comparison.Row("as it is", step, Optional.of(estimate), Optional.of(measured), Optional.empty());
        assertThat(row.error()).isZero();
        assertThat(row.predictedBytes()).isEqualTo(estimate.deviceBytes());
    }
}

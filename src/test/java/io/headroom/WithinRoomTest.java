package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.headroom.memory.Reading;
import io.headroom.oom.Log;
import io.headroom.remedy.Comparison;
import io.headroom.remedy.Remedies;
import io.headroom.training.SampleTraining;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What needs more than the machine has is refused before anything is allocated. */
@EnabledOnOs(OS.LINUX)
class WithinRoomTest {
    private static final Workload HUGE = Workload.mlp().batch(1L << 36).training(OptimizerKind.ADAM);

    @Test
    void aStepIsRefusedWithTheNeedAndWhatToDo() {
        long before = Reading.now().rss().orElseThrow();
        assertThatIllegalStateException()
                .isThrownBy(() -> Headroom.run(HUGE))
                .withMessageContaining("was not run: it needs")
                .withMessageContaining("limit(\"")
                .withMessageContaining("largestBatch(step)")
                .satisfies(refused ->
                        assertThat(Log.read(refused.getMessage()).failures()).isEmpty());
        assertThat(Reading.now().rss().orElseThrow() - before).isLessThan(Bytes.GIB);
    }

    @Test
    void aTrainingIsRefused() {
        SampleTraining training = SampleTraining.of(1 << 20, Bytes.GIB).keepReferences();
        assertThatIllegalStateException()
                .isThrownBy(() -> Headroom.train(training))
                .withMessageContaining("was not run: it needs 1048580.00 GiB");
        assertThatIllegalStateException().isThrownBy(() -> Headroom.compare(training));
    }

    @Test
    void ofAComparisonTheRowsThatFitRun() {
        Comparison comparison = Comparison.of(HUGE, List.of(Remedies.batch(8)), title -> {});
        assertThat(comparison.rows().get(0).notRun()).isTrue();
        assertThat(comparison.rows().get(1).measuredBytes()).isPositive();
        assertThat(io.headroom.render.ComparisonView.of(comparison).plain())
                .contains("measured        not run", "not run: it needs")
                .contains("Below 64 MiB");
    }
}

package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import io.headroom.memory.MemoryLimit;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class StepRunnerTest {
    private static final Workload STEP = Workload.transformer()
            .batch(4)
            .nodes(4)
            .seq(32)
            .heads(4)
            .dModel(32)
            .layers(2)
            .ff(64)
            .features(7)
            .training(OptimizerKind.ADAM);

    @Test
    void everyKindOfModelRunsForwardBackwardAndUpdate() {
        List<Workload> all = List.of(
                STEP,
                STEP.dropout(0).training(OptimizerKind.SGD),
                STEP.accumulation(3),
                Workload.mlp().batch(8).dModel(32).layers(2).training(OptimizerKind.ADAMW),
                Workload.cnn().batch(2).dModel(4).layers(2).image(16).training(OptimizerKind.MOMENTUM),
                Workload.lstm().batch(2).seq(8).dModel(16).training(OptimizerKind.ADAM),
                STEP.inference());
        for (Workload workload : all) {
            Measurement measured = StepRunner.run(workload);
            assertThat(measured.duration()).isPositive();
            assertThat(Double.isFinite(measured.loss())).isEqualTo(!workload.isInference());
        }
    }

    @Test
    void tellsItsStages() {
        List<String> stages = new ArrayList<>();
        StepRunner.run(STEP.accumulation(2), stages::add);
        assertThat(stages)
                .containsExactly("build", "forward 1/2", "backward 1/2", "forward 2/2", "backward 2/2", "update");
    }

    @Test
    void aRefusedAllocationLeavesRoomForASmallerStep() {
        Assumptions.assumeTrue(MemoryLimit.supported());
        StepRunner.run(STEP);
        Workload large = STEP.batch(400).seq(80).dModel(64);
        MemoryLimit.set(io.headroom.memory.Reading.now().rss().orElseThrow() + 200 * Bytes.MIB);
        try {
            assertThatThrownBy(() -> StepRunner.run(large)).isInstanceOf(EngineException.class);
            assertThat(StepRunner.run(large.batch(4)).peakBytes()).isLessThan(200 * Bytes.MIB);
        } finally {
            MemoryLimit.lift();
        }
    }

    @Test
    void whatDjlCannotRunIsRefusedBeforeTheEngine() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StepRunner.run(STEP.precision(Precision.BF16)))
                .withMessageContaining("bf16");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StepRunner.run(STEP.training(OptimizerKind.ADAGRAD)))
                .withMessageContaining("adagrad");
    }
}

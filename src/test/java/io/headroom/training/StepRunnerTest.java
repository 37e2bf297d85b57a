package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import io.headroom.memory.MemoryLimit;
import io.headroom.memory.Watch;
import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Sharding;
import io.headroom.workload.Workload;
import io.headroom.workload.ZeroGrad;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
    void anOverflowBeforeTheMeasuredStepLeavesTheWeightsWhole() {
        Workload deep = Workload.transformer()
                .batch(1)
                .seq(8)
                .heads(4)
                .dModel(64)
                .layers(48)
                .ff(256)
                .dropout(0)
                .training(OptimizerKind.ADAM)
                .precision(Precision.AUTOCAST);
        assertThat(StepRunner.run(deep).loss()).isFinite();
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

    @Test
    void whatTheStepWouldLeaveOutIsRefusedByName() {
        Map<String, Workload> left = Map.ofEntries(
                Map.entry("vocab = 1000", STEP.vocab(1000)),
                Map.entry("kv_heads = 2", STEP.kvHeads(2)),
                Map.entry("tied = true", STEP.with(Option.TIED, true)),
                Map.entry("attention = sdpa", STEP.attention(Attention.SDPA)),
                Map.entry("new_tokens = 5", STEP.with(Option.NEW_TOKENS, 5).inference()),
                Map.entry("sharding = zero2", STEP.with(Option.SHARDING, Sharding.ZERO2)),
                Map.entry("devices = 4", STEP.with(Option.DEVICES, 4)),
                Map.entry("prefetch = 2", STEP.with(Option.PREFETCH, 2)),
                Map.entry("foreach = true", STEP.with(Option.FOREACH, true)),
                Map.entry("zero_grad = after_step", STEP.zeroGrad(ZeroGrad.AFTER_STEP)));
        left.forEach((message, workload) -> assertThatIllegalArgumentException()
                .isThrownBy(() -> StepRunner.run(workload))
                .withMessageContaining(message));
        assertThat(StepRunner.run(STEP.kvHeads(4)).peakBytes()).isPositive();
    }

    @Test
    void saysWhetherThePeakIsTheKernelsOwn() {
        Measurement measured = StepRunner.run(STEP);
        try (Watch watch = Watch.start("same")) {
            assertThat(measured.exact()).isEqualTo(watch.stop().exact());
        }
        assertThat(measured.idleBytes()).isPositive();
    }
}

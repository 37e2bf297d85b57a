package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Limit;
import io.headroom.memory.Reading;
import io.headroom.oom.OutOfMemory;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What a live notebook knows beside the message settles what the message cannot. */
class LiveNotebookTest {
    private static final OutOfMemory REFUSED = OutOfMemory.read(
                    "ai.djl.engine.EngineException: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't"
                            + " allocate memory: you tried to allocate 65536000 bytes.")
            .orElseThrow();

    @Test
    void aCapInForceIsTheCause() {
        Reading now = Reading.now();
        Reading capped = with(
                now,
                List.of(
                        new Limit(Limit.Kind.CAP, 9 * Bytes.GIB, OptionalLong.of(9 * Bytes.GIB - 20 * Bytes.MIB)),
                        new Limit(Limit.Kind.PHYSICAL, 24 * Bytes.GIB, OptionalLong.of(11 * Bytes.GIB))));

        Diagnosis diagnosis = Diagnosis.of(REFUSED, Situation.unknown().readings(List.of(capped)));

        assertThat(diagnosis.cause()).isEqualTo(Cause.LIMIT);
        assertThat(diagnosis.evidence().get(0)).contains("8.98 GiB", "9.00 GiB", "62.50 MiB");
    }

    @Test
    void aKnownWorkloadRanksRemediesByTheBudget() {
        Workload step = Workload.transformer()
                .batch(64)
                .nodes(25)
                .seq(80)
                .heads(8)
                .dModel(128)
                .layers(2)
                .features(7)
                .training(OptimizerKind.ADAM);

        Diagnosis diagnosis = Diagnosis.of(
                REFUSED, Situation.unknown().in(Situation.Kernel.JJAVA).workload(step));

        assertThat(diagnosis.remedies().get(0).saves().orElse(0)).isGreaterThan(Bytes.GIB);
        assertThat(diagnosis.remedies().get(0).remedy()).isPresent();
        assertThat(diagnosis.remedies()).isSortedAccordingTo(Comparator.comparingLong(each -> -each.saves()
                .orElse(-1)));
        assertThat(diagnosis.evidence()).anyMatch(line -> line.startsWith("The budget: this step is estimated at"));
    }

    @Test
    void steadyGrowthIsALeakAndAJumpIsNot() {
        assertThat(Growth.of(List.of(100L, 120L, 139L, 161L, 180L, 201L, 220L)).steady())
                .isTrue();
        assertThat(Growth.of(List.of(100L, 101L, 100L, 102L, 101L, 100L, 220L)).steady())
                .isFalse();
        assertThat(Growth.of(List.of(100L, 200L, 201L, 199L, 200L, 201L, 200L)).steady())
                .isFalse();
        assertThat(Growth.of(List.of(100L, 200L)).steady()).isFalse();
    }

    private static Reading with(Reading now, List<Limit> limits) {
        return new Reading(
                now.at(), "failed", now.process(), now.jvm(), now.nativeHeap(), now.arrays(), List.of(), limits);
    }
}

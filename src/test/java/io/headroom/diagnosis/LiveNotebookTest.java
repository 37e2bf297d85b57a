package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.headroom.memory.Leak;
import io.headroom.memory.Limit;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.NativeHeap;
import io.headroom.memory.ProcessMemory;
import io.headroom.memory.Reading;
import io.headroom.memory.Trend;
import io.headroom.oom.OutOfMemory;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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

    @Test
    void modelsLoadedInARowAreNoLeakAndStepsAre() {
        Reading now = Reading.now();
        List<Reading> loads = IntStream.range(1, 9)
                .mapToObj(i -> grown(now, "model" + i + " loaded", i * 100 * Bytes.MIB))
                .toList();
        List<Reading> named = Stream.of("start", "two models", "tokens", "graph", "sample", "weights", "failed")
                .map(stage -> grown(now, stage, stage.length() * 100 * Bytes.MIB))
                .toList();
        List<Reading> steps = IntStream.range(1, 9)
                .mapToObj(i -> grown(now, "step " + i, i * 100 * Bytes.MIB))
                .toList();

        assertThat(Growth.of(Situation.unknown().readings(loads).used(Series.NATIVE))
                        .steady())
                .isFalse();
        assertThat(Growth.of(Situation.unknown().readings(named).used(Series.NATIVE))
                        .steady())
                .isFalse();
        assertThat(Growth.of(Situation.unknown().readings(steps).used(Series.NATIVE))
                        .steady())
                .isTrue();
        List<Reading> course = new ArrayList<>(steps);
        course.add(4, grown(now, "epoch 1", 350 * Bytes.MIB));
        course.add(grown(now, "failed", 50 * Bytes.MIB));
        assertThat(Situation.unknown().readings(course).used(Series.NATIVE)).hasSize(8);
        assertThat(Growth.of(Situation.unknown().readings(course).used(Series.NATIVE))
                        .steady())
                .isTrue();
    }

    @Test
    void aMonitorsReadingsAreNoStepsAndItsLeakIsTold() {
        Reading now = Reading.now();
        List<Reading> mixed = new ArrayList<>();
        for (int i = 1; i < 12; i++) {
            mixed.add(grown(now, "", i * 96 * Bytes.MIB));
            if (i % 3 == 0) {
                mixed.add(grown(now, "", i * 96 * Bytes.MIB + 50 * Bytes.MIB)); // the thread's, between two steps
                mixed.add(grown(now, "epoch " + i / 3, i * 96 * Bytes.MIB));
            }
        }
        mixed.add(grown(now, "", 500 * Bytes.MIB)); // the thread's, while the failed step gives back
        mixed.add(grown(now, "", 40 * Bytes.MIB));
        mixed.add(grown(now, "failed", 40 * Bytes.MIB));
        Leak leak = new Leak(
                "manager \"trajectory\"",
                0,
                new Trend(32 * Bytes.MIB, 32 * Bytes.MIB, 32 * Bytes.MIB, 5, 12),
                "step",
                Map.of());

        Diagnosis diagnosis =
                Diagnosis.of(REFUSED, Situation.unknown().readings(mixed).leaks(List.of(leak)));

        assertThat(diagnosis.cause()).isEqualTo(Cause.ACCUMULATION_LEAK);
        assertThat(diagnosis.evidence().subList(0, 2))
                .containsExactly(
                        "Memory grew by 960.00 MiB over the last 13 readings: what a step makes is kept.",
                        "The monitor saw it: manager \"trajectory\" grows by 32.00 MiB per step (99 %: 32.00 MiB to"
                                + " 32.00 MiB, 12 points).");
    }

    @Test
    void growthOfTheResidentSetAloneIsTheHeapsAndNoLeakOfTensors() {
        Reading now = Reading.now();
        List<Reading> steps = IntStream.range(1, 9)
                .mapToObj(i -> grown(now, "step " + i, i * 100 * Bytes.MIB))
                .map(each -> new Reading(
                        each.at(),
                        each.stage(),
                        each.process(),
                        each.jvm(),
                        new NativeHeap(OptionalLong.of(Bytes.GIB), OptionalLong.empty(), OptionalLong.empty()),
                        each.arrays(),
                        List.of(),
                        List.of()))
                .toList();
        OutOfMemory metaspace =
                OutOfMemory.read("java.lang.OutOfMemoryError: Metaspace").orElseThrow();

        assertThat(Diagnosis.of(REFUSED, Situation.unknown().readings(steps)).cause())
                .isEqualTo(Cause.HOST_RAM);
        assertThat(Diagnosis.of(metaspace, Situation.unknown().readings(steps)).cause())
                .isEqualTo(Cause.LIMIT);
    }

    @Test
    void aCapWithRoomLeftIsNotTheCause() {
        Reading now = Reading.now();
        Reading roomy = with(
                now,
                List.of(
                        new Limit(Limit.Kind.RLIMIT_AS, 100 * Bytes.GIB, OptionalLong.of(50 * Bytes.GIB)),
                        new Limit(Limit.Kind.PHYSICAL, 24 * Bytes.GIB, OptionalLong.of(11 * Bytes.GIB))));

        assertThat(Diagnosis.of(REFUSED, Situation.unknown().readings(List.of(roomy)))
                        .cause())
                .isEqualTo(Cause.HOST_RAM);
    }

    @Test
    void theCapWithLeastLeftIsTheOneInForce() {
        Reading now = Reading.now();
        Reading both = with(
                now,
                List.of(
                        new Limit(Limit.Kind.CAP, 9 * Bytes.GIB, OptionalLong.of(Bytes.GIB)),
                        new Limit(Limit.Kind.RLIMIT_AS, 20 * Bytes.GIB, OptionalLong.of(20 * Bytes.GIB - Bytes.MIB))));

        assertThat(Diagnosis.of(REFUSED, Situation.unknown().readings(List.of(both)))
                        .evidence()
                        .get(0))
                .contains("20.00 GiB");
    }

    @Test
    void aRequestBelowAKnownMachinesMemoryIsNotOversized() {
        Reading now = Reading.now();
        Reading large =
                with(now, List.of(new Limit(Limit.Kind.PHYSICAL, 512 * Bytes.GIB, OptionalLong.of(400 * Bytes.GIB))));
        OutOfMemory asked = OutOfMemory.read(
                        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 128849018880" + " bytes.")
                .orElseThrow();

        assertThat(Diagnosis.of(asked, Situation.unknown().readings(List.of(large)))
                        .cause())
                .isEqualTo(Cause.HOST_RAM);
    }

    @Test
    void theCellsCodeIsEvidenceAndIsGivenBackWithTheRemedyInIt() {
        Workload step = Workload.transformer().batch(64).seq(80).training(OptimizerKind.ADAM);
        Situation situation = Situation.unknown().in(Situation.Kernel.JJAVA);

        Diagnosis run = Diagnosis.of(REFUSED, situation.workload(step).code("run(step)"));
        assertThat(run.remedies()).hasSizeLessThanOrEqualTo(8);
        assertThat(run.remedies())
                .extracting(Advice::how)
                .contains("run(step.batch(32))", "run(step.checkpointing(6))");
        assertThat(run.remedies())
                .extracting(Advice::name)
                .doesNotHaveDuplicates()
                .doesNotContain("CPU instead of the device");
        assertThat(run.wontHelp()).extracting(WontHelp::name).contains("CPU instead of the device");

        Diagnosis loop = Diagnosis.of(
                REFUSED, situation.code("for (int i = 0; i < 1000; i++) {\n kept.add(manager.ones(shape));\n}"));
        assertThat(loop.evidence()).anyMatch(line -> line.contains("adds to kept in a loop"));
    }

    @Test
    void whatTheFailedCellHoldsIsNotAdvisedTwice() {
        LiveArrays live = new LiveArrays(
                List.of(new LiveArrays.Manager("m", false, 1, 2, 64 * Bytes.MIB, Map.of("(2) float32", 2))));
        Reading now = Reading.now();
        Situation held = Situation.unknown()
                .in(Situation.Kernel.JJAVA)
                .readings(List.of(new Reading(
                        now.at(),
                        "failed",
                        now.process(),
                        now.jvm(),
                        now.nativeHeap(),
                        Optional.of(live),
                        List.of(),
                        List.of())))
                .heldByCell(54 * Bytes.MIB, List.of("outs"));

        Diagnosis own = Diagnosis.of(REFUSED, held);
        assertThat(own.remedies()).extracting(Advice::name).doesNotContain("release between models");
        assertThat(own.remedies())
                .filteredOn(each -> each.name().equals("release what the failed cell holds"))
                .singleElement()
                .matches(each -> each.basis().contains("outs") && each.cost().contains("outs"));

        Diagnosis loaded = Diagnosis.of(REFUSED, held.models(Map.of("age", 10 * Bytes.MIB)));
        assertThat(loaded.remedies())
                .filteredOn(each -> each.name().equals("release between models"))
                .singleElement()
                .matches(each ->
                        each.saves().orElse(0) == 10 * Bytes.MIB && each.how().startsWith("release(age);"));
    }

    private static Reading grown(Reading now, String stage, long rss) {
        ProcessMemory old = now.process();
        ProcessMemory process = new ProcessMemory(
                OptionalLong.of(rss),
                old.peak(),
                old.anonymous(),
                old.file(),
                old.shared(),
                old.data(),
                old.virtual(),
                old.swapped(),
                old.threads());
        return new Reading(
                now.at().plusNanos(rss),
                stage,
                process,
                now.jvm(),
                new NativeHeap(OptionalLong.of(rss), OptionalLong.empty(), OptionalLong.empty()),
                now.arrays(),
                List.of(),
                List.of());
    }

    private static Reading with(Reading now, List<Limit> limits) {
        return new Reading(
                now.at(), "failed", now.process(), now.jvm(), now.nativeHeap(), now.arrays(), List.of(), limits);
    }

    @Test
    void aBlockOfAnyCodeIsProbed() {
        Workload step = Workload.of(new Opaque(), new Shape(64, 20), OptimizerKind.ADAM);
        Diagnosis diagnosis = Diagnosis.of(
                REFUSED, Situation.unknown().in(Situation.Kernel.JJAVA).workload(step));
        assertThat(diagnosis.evidence()).anyMatch(line -> line.contains("(64, 20)") && line.contains("probe("));
        assertThat(diagnosis.remedies()).extracting(Advice::name).contains("smaller batch");
    }

    @Test
    void aRemedyThatSavesNextToNothingIsNotAdvised() {
        Block wide = new SequentialBlock()
                .add(Linear.builder().setUnits(8192).build())
                .add(Activation::relu)
                .add(Linear.builder().setUnits(4).build());
        Diagnosis diagnosis = Diagnosis.of(
                REFUSED,
                Situation.unknown()
                        .in(Situation.Kernel.JJAVA)
                        .workload(Workload.of(wide, new Shape(2, 8192), OptimizerKind.ADAM)));
        assertThat(diagnosis.remedies()).extracting(Advice::name).doesNotContain("smaller batch");
        assertThat(diagnosis.wontHelp())
                .anyMatch(each ->
                        each.name().equals("smaller batch") && each.because().contains("budget"));
    }

    private static final class Opaque extends AbstractBlock {
        @Override
        protected NDList forwardInternal(
                ParameterStore parameters, NDList inputs, boolean training, PairList<String, Object> params) {
            return new NDList(inputs.get(0).mul(inputs.get(0)));
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputShapes) {
            return inputShapes;
        }
    }
}

package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.headroom.budget.Estimate;
import io.headroom.memory.Fork;
import io.headroom.memory.MemoryLimit;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Small measured steps tell of large ones. */
class ProbeTest {
    private static final long ROOM = 2 * Bytes.GIB;

    @Test
    void aBlockOfUnknownCodeIsMeasuredHereAndToldOf() {
        Workload step = Workload.of(new Scores(64), new Shape(2, 96, 16), OptimizerKind.ADAM);
        Probe probe = Probe.of(step, ROOM, stage -> {});

        assertThat(probe.forked()).isFalse();
        assertThat(probe.steps()).hasSizeBetween(4, 10).allMatch(small -> small.peakBytes() < ROOM / 4);
        assertThat(step.block().isInitialized()).isFalse();
        assertThat(MemoryLimit.current()).isEmpty();

        long batch = probe.largest(Option.BATCH, ROOM).orElseThrow();
        assertThat(probe.at(step.batch(batch)).upperBytes()).isLessThanOrEqualTo(ROOM);
        assertThat(probe.at(step.batch(batch + 1)).upperBytes()).isGreaterThan(ROOM);
        assertThat(probe.toString()).contains("measured in this JVM", "largest batch: " + batch);
    }

    /** Where the curves of update and backward cross, the bound of the one does not end where the other's begins. */
    @Test
    void theBoundDoesNotJumpWhereTheCurvesCross() {
        long mib = Bytes.MIB;
        Workload step = Workload.transformer().batch(4).seq(64).training(OptimizerKind.ADAM);
        List<Probe.Step> steps = List.of(
                new Probe.Step(2, 64, 0, 562 * mib + mib / 2, 1024 * mib),
                new Probe.Step(4, 64, 0, 625 * mib, 1024 * mib),
                new Probe.Step(8, 32, 0, 625 * mib, 1024 * mib));
        Probe probe = new Probe(step, 8 * Bytes.GIB, steps, true, false, true);
        long before = probe.at(step.seq(64)).upperBytes();
        for (long seq = 65; seq < 400; seq++) {
            long upper = probe.at(step.seq(seq)).upperBytes();
            assertThat(upper).as("seq %d", seq).isBetween(before, before + before / 10);
            before = upper;
        }
        assertThat((double) probe.at(step.seq(268)).upperBytes())
                .isGreaterThan(0.9 * probe.at(step.seq(280)).upperBytes());
    }

    /** In a JVM whose malloc keeps nothing: as malloc comes, no bound holds. */
    @Test
    void aLargerBatchAndALongerSequenceStayBelowTheBoundAndOneProbeFindsTheLimit() {
        Fork.Result result = Fork.run(
                Larger.class,
                Map.of("MALLOC_MMAP_THRESHOLD_", "65536", "MALLOC_TRIM_THRESHOLD_", "65536"),
                List.of("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC"));
        assertThat(result.output()).doesNotContain("within: false");
        assertThat(result.output().lines().filter("within: true"::equals)).hasSize(4);
        assertThat(result.exit()).isZero();
    }

    /** The main class of that JVM. */
    static final class Larger {
        private static final long LIMIT = 300 * Bytes.MIB;

        private Larger() {}

        public static void main(String[] arguments) {
            Workload step = Workload.of(new Scores(64), new Shape(2, 96, 16), OptimizerKind.ADAM);
            Probe probe = Probe.of(step, ROOM, stage -> {});
            System.out.println(probe);
            long most = probe.steps().stream()
                    .mapToLong(Probe.Step::sequences)
                    .max()
                    .orElseThrow();
            check(probe, step.batch(2 * most), 0);
            check(probe, step.batch(most / 4).seq(192), 0);
            check(probe, step.batch(most / 16).seq(384), 0);
            // the limit, from one probe and without a failure: not above it, and not far below
            check(probe, step.batch(probe.largest(Option.BATCH, LIMIT).orElseThrow()), LIMIT);
        }

        private static void check(Probe probe, Workload larger, long limit) {
            long measured = StepRunner.run(larger).peakBytes();
            long upper = probe.at(larger).upperBytes();
            System.out.println(larger + ": measured " + measured + ", at most " + upper);
            System.out.println(
                    "within: " + (measured <= upper && (limit == 0 || measured <= limit && measured > limit * 4 / 5)));
        }
    }

    @Test
    void aProbeOfWhatCannotBeToldStillPrints() {
        Workload step = Workload.mlp()
                .dModel(1)
                .layers(1)
                .features(1)
                .outputs(1)
                .batch(1L << 58)
                .training(OptimizerKind.SGD);
        Probe probe = new Probe(
                step,
                ROOM,
                List.of(
                        new Probe.Step(1, 0, 0, 1 << 20, 0),
                        new Probe.Step(2, 0, 0, 1 << 21, 0),
                        new Probe.Step(4, 0, 0, 1 << 22, 0)),
                true,
                false,
                true);
        assertThat(probe.toString()).contains("4 samples", "of this step nothing is told", "2^63");
        Workload oneLength = Workload.of(new Scores(4), new Shape(2, 9, 4), OptimizerKind.SGD);
        Probe alone = new Probe(
                oneLength,
                ROOM,
                List.of(new Probe.Step(1, 8, 0, 1 << 20, 0), new Probe.Step(2, 8, 0, 1 << 21, 0)),
                false,
                false,
                true);
        assertThat(alone.toString()).contains("seq = 9", "8 alone");
    }

    /** Graphs have no sequence: nodes bend their curve. */
    @Test
    void aGraphIsProbedInItsNodes() {
        Workload step =
                Workload.gat().batch(4).nodes(120).features(16).dropout(0).training(OptimizerKind.SGD);
        Probe probe = Probe.of(step, ROOM, stage -> {});
        assertThat(probe.steps()).extracting(Probe.Step::seq).contains(60L, 120L);
        Probe.Projection wider = probe.at(step.nodes(240));
        double estimated = Estimate.of(step.nodes(240)).deviceBytes();
        assertThat(wider.upperBytes() / estimated).isBetween(1.0, 2.0);
        assertThat(probe.largest(Option.NODES, ROOM).orElseThrow()).isGreaterThan(240);
    }

    @Test
    void aModelOfSizesIsMeasuredInAnotherJvm() {
        Workload step = Workload.transformer()
                .batch(16)
                .nodes(2)
                .seq(64)
                .heads(4)
                .dModel(64)
                .layers(2)
                .ff(128)
                .features(7)
                .training(OptimizerKind.SGD);
        List<String> stages = new ArrayList<>();
        Probe probe = Probe.of(step, ROOM, stages::add);

        assertThat(probe.forked()).isTrue();
        assertThat(stages).hasSizeGreaterThan(3).contains("1 sequence of 8");
        assertThat(probe.at(step.nodes(4)).expectedBytes())
                .isGreaterThan(probe.projection().expectedBytes());
        assertThat(probe.at(step.accumulation(4)).expectedBytes())
                .isLessThan(probe.projection().expectedBytes());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> probe.at(step.heads(8)))
                .withMessageContaining("heads=8")
                .withMessageContaining("needs a probe of its own");
    }

    @Test
    void anInputThatTheBlockDoesNotTakeIsNamed() {
        Workload wrong = Workload.of(new Picky(), new Shape(2, 5), OptimizerKind.SGD);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Probe.of(wrong, ROOM, stage -> {}))
                .withMessageContaining("(1, 5)");
        assertThat(MemoryLimit.current()).isEmpty();
    }

    @Test
    void aModelWithoutRoomEndsInAnErrorAndNothingElse() {
        Workload large = Workload.of(Linear.builder().setUnits(8192).build(), new Shape(1, 8192), OptimizerKind.ADAM);
        assertThatThrownBy(() -> Probe.of(large, 320 * Bytes.MIB, stage -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("320.00 MiB");
        assertThat(MemoryLimit.current()).isEmpty();
        assertThat(large.block().isInitialized()).isFalse();
    }

    /** Scores of every position with every other, as nobody's class: what an estimate cannot know. */
    private static final class Scores extends AbstractBlock {
        private final Block width;
        private final Block out;

        Scores(long units) {
            width = addChildBlock("width", Linear.builder().setUnits(units).build());
            out = addChildBlock("out", Linear.builder().setUnits(1).build());
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
            var x = width.forward(store, inputs, training).head();
            var shares = x.matMul(x.transpose(0, 2, 1)).softmax(-1);
            return out.forward(store, new NDList(shares.matMul(x)), training);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputs) {
            return out.getOutputShapes(width.getOutputShapes(inputs));
        }

        @Override
        protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputs) {
            width.initialize(manager, type, inputs);
            out.initialize(manager, type, width.getOutputShapes(inputs));
        }
    }

    /** Wants four numbers. */
    private static final class Picky extends AbstractBlock {
        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
            return new NDList(inputs.head().reshape(-1, 2, 2));
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputs) {
            return inputs;
        }
    }
}

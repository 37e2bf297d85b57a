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

    /** In a JVM whose malloc keeps nothing: as malloc comes, no bound holds. */
    @Test
    void aLargerBatchStaysBelowTheBound() {
        Fork.Result result = Fork.run(
                Larger.class,
                Map.of("MALLOC_MMAP_THRESHOLD_", "65536", "MALLOC_TRIM_THRESHOLD_", "65536"),
                List.of("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC"));
        assertThat(result.output()).contains("within: true");
        assertThat(result.exit()).isZero();
    }

    /** The main class of that JVM. */
    static final class Larger {
        private Larger() {}

        public static void main(String[] arguments) {
            Workload step = Workload.of(new Scores(64), new Shape(2, 96, 16), OptimizerKind.ADAM);
            Probe probe = Probe.of(step, ROOM, stage -> {});
            long most = probe.steps().stream()
                    .mapToLong(Probe.Step::sequences)
                    .max()
                    .orElseThrow();
            System.out.println(probe);
            Workload larger = step.batch(2 * most);
            long measured = StepRunner.run(larger).peakBytes();
            long upper = probe.at(larger).upperBytes();
            System.out.println(larger + ": measured " + measured + ", at most " + upper);
            System.out.println("within: " + (measured < upper));
        }
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

package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.headroom.memory.Fork;
import io.headroom.training.FrozenPeaks;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.Phase;
import io.headroom.workload.step.StepListener;
import io.headroom.workload.step.StepPlan;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The first layers frozen: no gradients, no optimizer state, nothing saved of them. */
class FrozenLayersTest {
    private static final double WITHIN = 0.05;
    private static final Map<String, String> FIXED_MALLOC =
            Map.of("MALLOC_MMAP_THRESHOLD_", "65536", "MALLOC_TRIM_THRESHOLD_", "65536", "OMP_NUM_THREADS", "2");

    @Test
    void stepsAreEstimatedAsTheyAreMeasured() {
        Fork.Result result = Fork.run(
                FrozenPeaks.class, FIXED_MALLOC, List.of("-Xms192m", "-Xmx192m", "-XX:+UseSerialGC", "-Xshare:auto"));
        assertThat(result.exit()).as(result.output()).isZero();
        Map<String, Long> peaks = Pattern.compile("(?m)^peak\t(.+)\t(\\d+)$")
                .matcher(result.output())
                .results()
                .collect(Collectors.toMap(found -> found.group(1), found -> Long.parseLong(found.group(2))));
        Map<String, Workload> steps = FrozenPeaks.workloads();
        assertThat(peaks.keySet()).isEqualTo(steps.keySet());
        steps.forEach((name, step) -> assertThat((double) Estimate.of(step).deviceBytes() / peaks.get(name) - 1)
                .as("%s: measured %s, estimated %s", name, Bytes.format(peaks.get(name)), Estimate.of(step))
                .isBetween(-WITHIN, WITHIN));
    }

    @Test
    void trainsWhatIsBehindThem() {
        long layer = 4 * (256 * 256 + 256) + 2 * 256 * 1024 + 1024 + 256 + 4 * 256;
        long head = 256 + 1;

        Estimate half = Estimate.of(FrozenPeaks.workloads().get("transformer, half"));
        Estimate all = Estimate.of(FrozenPeaks.workloads().get("transformer, all but the head"));

        assertThat(half.gradientsBytes()).isEqualTo(4 * (2 * layer + head));
        assertThat(half.optimizerBytes()).isEqualTo(8 * (2 * layer + head));
        assertThat(all.gradientsBytes()).isEqualTo(4 * head);
        assertThat(half.parameters()).isEqualTo(all.parameters());
        assertThat(all.peakAllocatedBytes()).isLessThan(half.peakAllocatedBytes());
    }

    /** The walk of the block that the sizes stand for, frozen by hand. */
    @Test
    void isTheSameStepAsABlockFrozenByHand() {
        Workload step = Workload.mlp()
                .batch(256)
                .dModel(128)
                .layers(3)
                .features(64)
                .frozenLayers(2)
                .training(OptimizerKind.ADAM);
        Block block = step.newBlock();
        block.getChildren().values().subList(0, 4).forEach(child -> child.freezeParameters(true));

        assertThat(Estimate.of(step).peakAllocatedBytes())
                .isEqualTo(Estimate.of(Workload.of(block, new Shape(256, 64), OptimizerKind.ADAM))
                        .peakAllocatedBytes());
    }

    /** Weights, state and the weights' gradients outlive a step, and nothing else does. */
    @Test
    void aSegmentThatIsFrozenLeavesNothingBehind() {
        FrozenPeaks.workloads().values().forEach(step -> {
            Map<Long, String> left = new HashMap<>();
            StepPlan.play(step, new StepListener() {
                @Override
                public void allocated(long id, long bytes, Kind kind, Phase phase, String operator) {
                    if (phase != Phase.LOAD && kind != Kind.GRADIENTS) {
                        left.put(id, kind + " of " + operator);
                    }
                }

                @Override
                public void freed(long id, long bytes, Kind kind, Phase phase, String operator) {
                    left.remove(id);
                }
            });
            assertThat(left.values()).as("%s", step).isEmpty();
        });
    }

    @Test
    void refusesWhatCannotBe() {
        Workload step = FrozenPeaks.workloads().get("transformer, none");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> step.frozenLayers(-1))
                .withMessageContaining("frozen_layers = -1")
                .withMessageContaining("0 or more");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> step.frozenLayers(5).validate())
                .withMessageContaining("frozen_layers = 5 but layers = 4");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> step.frozenLayers(1).loraRank(8).validate())
                .withMessageContaining("frozen_layers = 1 with lora_rank = 8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.of(Map.of("vocab", 100, "tied", true, "frozen_layers", 6)))
                .withMessageContaining("nothing is trained");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.lstm().frozenLayers(1))
                .withMessageContaining("frozen_layers does not apply");
    }

    @Test
    void theLargestModelKeepsThem() {
        Workload step = FrozenPeaks.workloads().get("transformer, half");
        assertThat(Solver.smallest(step, Option.LAYERS)).isEqualTo(2);
        assertThat(Solver.largest(step, Option.LAYERS, Bytes.GIB).orElseThrow()).isGreaterThan(4);
    }
}

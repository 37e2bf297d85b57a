package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import io.headroom.memory.Fork;
import io.headroom.remedy.Plans;
import io.headroom.training.StepPeaks;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Graph attention, dense and by edges. */
class GraphAttentionTest {
    private static final double WITHIN = 0.06;
    private static final Map<String, String> FIXED_MALLOC =
            Map.of("MALLOC_MMAP_THRESHOLD_", "65536", "MALLOC_TRIM_THRESHOLD_", "65536", "OMP_NUM_THREADS", "2");
    private static final Workload GRAPH =
            Workload.gat().batch(4).nodes(200).features(64).training(OptimizerKind.ADAM);

    @Test
    void theStepIsEstimatedAsItIsMeasured() {
        Fork.Result result = Fork.run(
                StepPeaks.class, FIXED_MALLOC, List.of("-Xms192m", "-Xmx192m", "-XX:+UseSerialGC", "-Xshare:auto"));
        assertThat(result.exit()).as(result.output()).isZero();
        Map<String, Long> peaks = Pattern.compile("(?m)^peak\t(.+)\t(\\d+)$")
                .matcher(result.output())
                .results()
                .collect(Collectors.toMap(found -> found.group(1), found -> Long.parseLong(found.group(2))));
        StepPeaks.steps().forEach(step -> {
            Estimate estimate = Estimate.of(step);
            assertThat(peaks).as(result.output()).containsKey(step.toString());
            long peak = peaks.get(step.toString());
            assertThat((double) estimate.deviceBytes() / peak - 1)
                    .as("%s: measured %s, estimated %s", step, Bytes.format(peak), estimate)
                    .isBetween(-WITHIN, WITHIN);
            assertThat(peak).as("%s", step).isLessThanOrEqualTo(estimate.upperBytes());
        });
    }

    @Test
    void parametersAreThoseOfTheBlock() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            Block block = GRAPH.newBlock();
            block.initialize(manager, DataType.FLOAT32, GRAPH.inputShape(1));
            long learned = block.getParameters().values().stream()
                    .filter(parameter -> parameter.requiresGradient())
                    .mapToLong(parameter -> parameter.getArray().size())
                    .sum();
            assertThat(Estimate.of(GRAPH).parameters()).isEqualTo(learned);
        }
    }

    @Test
    void denseScoresGrowWithTheSquareOfTheNodesAndEdgesInALine() {
        Workload wide = GRAPH.batch(1).nodes(2000);
        assertThat(ratio(wide, wide.nodes(4000))).isCloseTo(4, within(0.1));
        assertThat(ratio(wide, wide.batch(2))).isCloseTo(2, within(0.05));
        Workload sparse = wide.edges(1_000_000);
        assertThat(ratio(sparse, sparse.edges(2_000_000))).isCloseTo(2, within(0.05));
        assertThat(ratio(wide.edges(100_000), wide)).isGreaterThan(2);
        assertThat(Estimate.of(wide.heads(16)).activationsBytes())
                .isGreaterThan(Estimate.of(wide).activationsBytes() * 19 / 10);
    }

    private static double ratio(Workload one, Workload other) {
        return (double) Estimate.of(other).activationsBytes() / Estimate.of(one).activationsBytes();
    }

    @Test
    void theSolverAndTheRemediesTakeIt() {
        for (Workload step : List.of(GRAPH, GRAPH.edges(4000))) {
            long limit = Estimate.of(step).upperBytes() * 3 / 4;
            for (Option option : List.of(Option.BATCH, Option.NODES, Option.D_MODEL)) {
                Solver.largest(step, option, limit).ifPresent(found -> assertThat(
                                Estimate.of(step.with(option, found)).upperBytes())
                        .isLessThanOrEqualTo(limit));
            }
            assertThat(Estimate.of(Plans.cheapest(step, limit).orElseThrow().workload())
                            .upperBytes())
                    .isLessThanOrEqualTo(limit);
        }
        assertThat(Solver.largest(GRAPH.edges(4000), Option.NODES, Bytes.GIB).orElseThrow())
                .isGreaterThan(200);
    }
}

package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.headroom.memory.Fork;
import io.headroom.remedy.Plan;
import io.headroom.remedy.Plans;
import io.headroom.training.BlockPeaks;
import io.headroom.training.StepRunner;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A step of a DJL block of the user's, read from the block. */
class OwnBlockTest {
    private static final double WITHIN = 0.05;
    /** An RNN is measured 2 to 6 % above its estimate. */
    private static final Map<String, Double> WIDER = Map.of("rnn", 0.08, "rnn both ways", 0.08);

    private static final Map<String, String> FIXED_MALLOC =
            Map.of("MALLOC_MMAP_THRESHOLD_", "65536", "MALLOC_TRIM_THRESHOLD_", "65536", "OMP_NUM_THREADS", "2");

    @Test
    void everyKindOfBlockIsEstimatedAsItsStepIsMeasured() {
        Fork.Result result = Fork.run(
                BlockPeaks.class, FIXED_MALLOC, List.of("-Xms192m", "-Xmx192m", "-XX:+UseSerialGC", "-Xshare:auto"));
        assertThat(result.exit()).as(result.output()).isZero();
        Map<String, Long> peaks = Pattern.compile("(?m)^peak\t(.+)\t(\\d+)$")
                .matcher(result.output())
                .results()
                .collect(Collectors.toMap(found -> found.group(1), found -> Long.parseLong(found.group(2))));
        Map<String, Workload> steps = BlockPeaks.workloads();
        assertThat(peaks.keySet()).isEqualTo(steps.keySet());
        steps.forEach((name, step) -> assertThat((double) Estimate.of(step).deviceBytes() / peaks.get(name) - 1)
                .as("%s: measured %s, estimated %s", name, Bytes.format(peaks.get(name)), Estimate.of(step))
                .isBetween(-WIDER.getOrDefault(name, WITHIN), WITHIN));
    }

    @Test
    void weightsGradientsAndStateAreThoseOfTheBlock() {
        BlockPeaks.workloads().forEach((name, step) -> {
            Estimate estimate = Estimate.of(step);
            long parameters = 0;
            long trained = 0;
            try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                Block block = step.block();
                block.initialize(manager, DataType.FLOAT32, step.inputShapes(1).toArray(Shape[]::new));
                for (Parameter parameter : Set.copyOf(block.getParameters().values())) {
                    parameters += parameter.getArray().size();
                    trained += parameter.requiresGradient() && !isStatistic(parameter)
                            ? parameter.getArray().size()
                            : 0;
                }
                block.clear();
            }
            assertThat(estimate.parameters()).as(name).isEqualTo(parameters);
            assertThat(estimate.weightsBytes()).as(name).isEqualTo(4 * parameters);
            assertThat(estimate.gradientsBytes()).as(name).isEqualTo(4 * trained);
            assertThat(estimate.optimizerBytes()).as(name).isEqualTo(8 * trained);
        });
    }

    private static boolean isStatistic(Parameter parameter) {
        return parameter.getType() == Parameter.Type.RUNNING_MEAN || parameter.getType() == Parameter.Type.RUNNING_VAR;
    }

    @Test
    void aFrozenLayerHasNoGradientAndNoState() {
        Block frozen = linear(64);
        frozen.freezeParameters(true);
        Workload step =
                Workload.of(new SequentialBlock().add(frozen).add(linear(1)), new Shape(8, 32), OptimizerKind.ADAM);
        Estimate estimate = Estimate.of(step);
        assertThat(estimate.parameters()).isEqualTo(32 * 64 + 64 + 64 + 1);
        assertThat(estimate.gradientsBytes()).isEqualTo(4 * (64 + 1));
        assertThat(estimate.optimizerBytes()).isEqualTo(8 * (64 + 1));
    }

    @Test
    void readingABlockOfTerabytesAllocatesNothing() {
        Block huge = new SequentialBlock()
                .add(linear(1_000_000))
                .add(Activation.reluBlock())
                .add(linear(1_000_000));
        Estimate estimate = Estimate.of(Workload.of(huge, new Shape(4, 1_000_000), OptimizerKind.ADAM));
        assertThat(estimate.weightsBytes()).isEqualTo(4 * 2 * (1_000_000L * 1_000_000 + 1_000_000));
        assertThat(huge.getParameters().values()).noneMatch(Parameter::isInitialized);
    }

    @Test
    void batchOptimizerAndCheckpointingChangeAsForAnyWorkload() {
        Workload step = BlockPeaks.workloads().get("activations");
        long peak = Estimate.of(step).peakAllocatedBytes();
        assertThat(Estimate.of(step.batch(2 * step.batch())).peakAllocatedBytes())
                .isGreaterThan(peak);
        assertThat(Estimate.of(step.accumulation(4)).peakAllocatedBytes()).isLessThan(peak);
        assertThat(Estimate.of(step.checkpointing(3)).peakAllocatedBytes()).isLessThan(peak);
        assertThat(Estimate.of(step.training(OptimizerKind.SGD)).optimizerBytes())
                .isZero();
        assertThat(Estimate.of(step.inference()).gradientsBytes()).isZero();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> step.checkpointing(9).validate())
                .withMessageContaining("checkpointing = 9 segments but layers = 8");
    }

    @Test
    void theSolverAndTheRemediesTakeItAsAnyWorkload() {
        Workload step = BlockPeaks.workloads().get("activations");
        long half = Estimate.of(step).upperBytes() / 2;
        long batch = Solver.largestBatch(step, half).orElseThrow();
        assertThat(Estimate.of(step.batch(batch)).upperBytes()).isLessThanOrEqualTo(half);
        Plan plan = Plans.cheapest(step, half).orElseThrow();
        assertThat(Estimate.of(plan.workload()).upperBytes()).isLessThanOrEqualTo(half);
    }

    @Test
    void aBlockThatIsNotKnownIsRefusedAndTheProbeNamed() {
        Block own = new SequentialBlock().add(linear(8)).add(new Doubling());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Estimate.of(Workload.of(own, new Shape(4, 8), OptimizerKind.ADAM)))
                .withMessageContaining("Doubling at 02Doubling")
                .withMessageContaining("probe(block, new Shape(4, 8), adam())");
    }

    @Test
    void anInputOfTheWrongRankIsRefusedWithWhatToDo() {
        Block image =
                Conv2d.builder().setKernelShape(new Shape(3, 3)).setFilters(8).build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Estimate.of(Workload.of(image, new Shape(4, 8), OptimizerKind.ADAM)))
                .withMessageContaining("input of 4 dimensions [batch, channels, …]")
                .withMessageContaining("one of 2 dimensions: (4, 8)")
                .withMessageContaining("new Shape(");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Estimate.of(Workload.of(
                        BlockPeaks.workloads().get("encoder").block(), new Shape(4, 8), OptimizerKind.ADAM)))
                .withMessageContaining("3 dimensions [batch, seq, width]");
    }

    @Test
    void aMissingBlockOrBatchIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.of(null, new Shape(1, 2), OptimizerKind.ADAM))
                .withMessageContaining("block is null");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.of(linear(2), null, OptimizerKind.ADAM))
                .withMessageContaining("input shape is null");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.of(linear(2), new Shape(-1, 2), OptimizerKind.ADAM))
                .withMessageContaining("input shape = (-1, 2)");
    }

    @Test
    void aTrainedBlockIsTheSameAfterItsStepWasRun() {
        Workload step = BlockPeaks.workloads().get("image").batch(2);
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            Block block = step.block();
            block.initialize(manager, DataType.FLOAT32, new Shape(7, 3, 96, 96));
            List<NDArray> arrays = block.getParameters().values().stream()
                    .map(Parameter::getArray)
                    .toList();
            List<float[]> values = arrays.stream().map(NDArray::toFloatArray).toList();
            StepRunner.run(step);
            assertThat(block.getParameters().values().stream().map(Parameter::getArray))
                    .containsExactlyElementsOf(arrays);
            assertThat(arrays.stream().map(NDArray::toFloatArray)).containsExactlyElementsOf(values);
            assertThat(block.getInputShapes()).containsExactly(new Shape(7, 3, 96, 96));
        }
    }

    @Test
    void aBlockThatWasNotInitializedIsNotAfterwards() {
        Workload step = Workload.of(linear(4), new Shape(2, 3), OptimizerKind.SGD);
        StepRunner.run(step);
        assertThat(step.block().isInitialized()).isFalse();
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            step.block().initialize(manager, DataType.FLOAT32, new Shape(2, 5));
            assertThat(step.block().getParameters().get("weight").getArray().getShape())
                    .isEqualTo(new Shape(4, 5));
        }
    }

    private static Linear linear(long units) {
        return Linear.builder().setUnits(units).build();
    }

    /** Code that no table knows. */
    private static final class Doubling extends AbstractBlock {
        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
            return new NDList(inputs.head().mul(2));
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputs) {
            return inputs;
        }
    }
}

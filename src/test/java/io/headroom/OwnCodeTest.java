package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

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
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.headroom.model.LoadedModel;
import io.headroom.model.SampleModels;
import io.headroom.training.Probe;
import io.headroom.units.Bytes;
import io.headroom.widget.BudgetPanel;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A block that has code of its own is measured by the cells that take a block. */
class OwnCodeTest {
    private static final Shape INPUT = new Shape(4, 64);
    private static final String WHY = "Gated at 02Gated has code of its own, so the step was measured, not read.";

    @Test
    void theBudgetShowsWhatWasMeasuredAndWhy() {
        Block block = block(array -> array);
        BudgetPanel panel = Headroom.budget(block, INPUT, OptimizerKind.ADAM);
        Probe probe = panel.probe().orElseThrow();
        assertThat(panel.workload().block()).isSameAs(block);
        assertThat(probe.steps()).hasSizeGreaterThanOrEqualTo(2);
        assertThat(probe.projection().upperBytes())
                .isGreaterThan(probe.projection().expectedBytes());
        assertThat(probe.largest(Option.BATCH, probe.roomBytes())).isPresent();
        assertThat(panel.toString())
                .contains(WHY)
                .contains("at most ")
                .contains("largest batch: ")
                .doesNotContain("REPL");
        assertThatIllegalArgumentException().isThrownBy(panel::estimate).withMessageContaining("has code of its own");
    }

    @Test
    void anEstimateNamesTheCellsThatMeasure() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Headroom.estimate(block(array -> array), INPUT, OptimizerKind.SGD))
                .withMessageContaining("has code of its own")
                .withMessageContaining("probe(block, new Shape(4, 64), sgd())")
                .withMessageContaining("budget(…)");
    }

    @Test
    void aBlockThatCanBeReadIsRead() {
        Block plain = new SequentialBlock().add(linear(8));
        assertThat(Headroom.budget(plain, INPUT, OptimizerKind.ADAM).probe()).isEmpty();
        assertThat(Headroom.estimate(plain, INPUT, OptimizerKind.ADAM).parameters())
                .isEqualTo(64 * 8 + 8);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Headroom.estimate(Workload.of(block(array -> array), INPUT, OptimizerKind.ADAM)))
                .withMessageContaining("probe(block, new Shape(4, 64), adam())");
    }

    @Test
    void theTrainedModelIsTheSameAfterwards() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            Block block = block(array -> array);
            block.getChildren().get(0).getValue().freezeParameters(true);
            block.initialize(manager, DataType.FLOAT32, INPUT);
            List<Parameter> parameters = block.getParameters().values();
            List<NDArray> arrays = parameters.stream().map(Parameter::getArray).toList();
            List<byte[]> values = arrays.stream().map(NDArray::toByteArray).toList();
            List<Boolean> trained =
                    parameters.stream().map(Parameter::requiresGradient).toList();
            List<Boolean> recorded = arrays.stream().map(NDArray::hasGradient).toList();
            Headroom.budget(block, INPUT, OptimizerKind.ADAM);
            assertThat(parameters.stream().map(Parameter::getArray)).containsExactlyElementsOf(arrays);
            assertThat(arrays.stream().map(NDArray::toByteArray)).containsExactlyElementsOf(values);
            assertThat(parameters.stream().map(Parameter::requiresGradient)).containsExactlyElementsOf(trained);
            assertThat(arrays.stream().map(NDArray::hasGradient)).containsExactlyElementsOf(recorded);
        }
    }

    @Test
    void whatCannotBeMeasuredEitherTellsBothReasons() {
        assertThatIllegalStateException()
                .isThrownBy(() -> Headroom.budget(
                        block(array -> {
                            throw new IllegalStateException("no mask was given");
                        }),
                        INPUT,
                        OptimizerKind.ADAM))
                .withMessageContaining("Gated at 02Gated has code of its own, so the step was not read")
                .withMessageContaining("could not be measured either: no mask was given.")
                .withMessageContaining("Give the shape of an input that the block's forward takes");
        assertThatIllegalStateException()
                .isThrownBy(() -> Headroom.budget(block(array -> array.reshape(7, 9)), INPUT, OptimizerKind.ADAM))
                .withMessageContaining("has code of its own")
                .withMessageContaining("the model does not run on an input of (1, 64)")
                .withMessageContaining("releaseAll() make room");
    }

    @Test
    void aTorchScriptModelIsRefusedBeforeItsWeightsAreTouched(@TempDir Path folder) throws IOException {
        Path file = SampleModels.torchScript(folder, "script", Bytes.MIB);
        try (LoadedModel loaded = Headroom.load("script", file)) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> Headroom.budget(loaded.model().getBlock(), INPUT, OptimizerKind.ADAM))
                    .withMessageContaining("PtSymbolBlock is a block whose memory is not known")
                    .withMessageContaining("a TorchScript model keeps its weights")
                    .withMessageContaining("watch(");
        }
    }

    private static Block block(UnaryOperator<NDArray> code) {
        return new SequentialBlock().add(linear(128)).add(new Gated(code));
    }

    private static Linear linear(long units) {
        return Linear.builder().setUnits(units).build();
    }

    /** A gate between two linear layers, and code of a test's. */
    private static final class Gated extends AbstractBlock {
        private final UnaryOperator<NDArray> code;
        private final Block wide = addChildBlock("wide", linear(256));
        private final Block narrow = addChildBlock("narrow", linear(32));

        Gated(UnaryOperator<NDArray> code) {
            this.code = code;
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
            NDArray hidden = wide.forward(store, inputs, training).head();
            return narrow.forward(store, new NDList(code.apply(hidden.mul(Activation.sigmoid(hidden)))), training);
        }

        @Override
        public void initializeChildBlocks(NDManager manager, DataType type, Shape... inputs) {
            wide.initialize(manager, type, inputs);
            narrow.initialize(manager, type, wide.getOutputShapes(inputs));
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputs) {
            return narrow.getOutputShapes(wide.getOutputShapes(inputs));
        }
    }
}

package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Steps whose weights are fp16: what DJL runs of them, and that what is refused does not run. */
class HalfWeightsTest {
    private static final Workload TRANSFORMER = Workload.transformer()
            .batch(2)
            .seq(8)
            .heads(2)
            .dModel(16)
            .layers(2)
            .ff(32)
            .features(7)
            .precision(Precision.FP16)
            .training(OptimizerKind.SGD);
    private static final Workload MLP =
            Workload.mlp().batch(4).dModel(16).layers(2).precision(Precision.FP16);

    @Test
    void runInInferenceAndUnderSgdAndMomentum() {
        List<Workload> kinds = List.of(
                TRANSFORMER,
                MLP,
                Workload.cnn().batch(2).dModel(4).layers(2).image(8).precision(Precision.FP16),
                Workload.gat().batch(1).nodes(4).precision(Precision.FP16));
        for (Workload kind : kinds) {
            assertThat(StepRunner.run(kind.inference()).loss()).isNaN();
            assertThat(StepRunner.run(kind.training(OptimizerKind.SGD)).loss()).isFinite();
            assertThat(StepRunner.run(kind.training(OptimizerKind.MOMENTUM)).loss())
                    .isFinite();
        }
    }

    @Test
    void runWithWhatASizeCanSwitchOn() {
        List<Workload> steps = List.of(
                TRANSFORMER.accumulation(2),
                TRANSFORMER.checkpointing(2),
                TRANSFORMER.loraRank(2),
                TRANSFORMER.frozenLayers(1),
                TRANSFORMER.attention(Attention.CHUNKED));
        for (Workload step : steps) {
            assertThat(StepRunner.run(step).loss()).isFinite();
        }
    }

    @Test
    void areFp16EachOfThem() {
        try (NDManager manager = NDManager.newBaseManager();
                StepBlock model = new StepBlock(TRANSFORMER, manager)) {
            assertThat(model.block().getParameters().values())
                    .isNotEmpty()
                    .allMatch(weight -> weight.getArray().getDataType() == DataType.FLOAT16);
        }
    }

    @Test
    void areRefusedUnderAdamByName() {
        for (OptimizerKind adam : List.of(OptimizerKind.ADAM, OptimizerKind.ADAMW)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> StepRunner.run(MLP.training(adam)))
                    .withMessageContaining(
                            "precision = fp16 with optimizer = " + (adam == OptimizerKind.ADAM ? "adam:" : "adamw:"))
                    .withMessageContaining("NaN");
        }
        assertThat(StepRunner.obstacle(MLP.training(OptimizerKind.ADAM).inference()))
                .isEmpty();
    }

    @Test
    void becomeNaNUnderAdamWhereAGradientIsZero() {
        for (OptimizerKind adam : List.of(OptimizerKind.ADAM, OptimizerKind.ADAMW)) {
            assertThat(finiteAfterUpdate(adam, DataType.FLOAT16))
                    .as(adam + " in fp16")
                    .isFalse();
            assertThat(finiteAfterUpdate(adam, DataType.FLOAT32))
                    .as(adam + " in fp32")
                    .isTrue();
        }
        assertThat(finiteAfterUpdate(OptimizerKind.SGD, DataType.FLOAT16)).isTrue();
        assertThat(finiteAfterUpdate(OptimizerKind.MOMENTUM, DataType.FLOAT16)).isTrue();
    }

    /** An input of zero, as behind a ReLU, gives a weight a gradient of zero. */
    private static boolean finiteAfterUpdate(OptimizerKind optimizer, DataType type) {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Linear.builder().setUnits(3).build();
            block.initialize(manager, type, new Shape(1, 2));
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDList input = new NDList(
                        manager.create(new float[] {0, 1}, new Shape(1, 2)).toType(type, true));
                NDArray output = block.forward(new ParameterStore(manager, false), input, true)
                        .head();
                collector.backward(output.sum());
            }
            try (Updater updater = new Updater(optimizer, block, manager)) {
                updater.update(1);
            }
            NDArray weight = block.getParameters().get("weight").getArray();
            return !weight.toType(DataType.FLOAT32, true).isNaN().any().getBoolean();
        }
    }

    @Test
    void areRefusedInAnLstmByName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        StepRunner.run(Workload.lstm().precision(Precision.FP16).inference()))
                .withMessageContaining("precision = fp16: DJL makes an LSTM's states in fp32");
    }

    @Test
    void ofAnLstmRunOnlyBesideStatesInFp16() {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block lstm = LSTM.builder().setNumLayers(1).setStateSize(8).build();
            lstm.initialize(manager, DataType.FLOAT16, new Shape(2, 3, 4));
            ParameterStore store = new ParameterStore(manager, false);
            NDArray input = manager.zeros(new Shape(2, 3, 4), DataType.FLOAT16);
            NDArray state = manager.zeros(new Shape(1, 2, 8), DataType.FLOAT16);

            assertThatThrownBy(() -> lstm.forward(store, new NDList(input), false))
                    .isInstanceOf(EngineException.class);
            assertThat(lstm.forward(store, new NDList(input, state, state.duplicate()), false)
                            .head()
                            .getDataType())
                    .isEqualTo(DataType.FLOAT16);
        }
    }
}

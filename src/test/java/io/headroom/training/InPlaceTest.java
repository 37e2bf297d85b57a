package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a block and its trainer hold already is no second time needed by its step. */
class InPlaceTest {
    private static final long WEIGHTS = (64 * 128 + 128 + 128 * 10 + 10) * Float.BYTES;

    @Test
    void aTrainedBlockHoldsItsWeightsGradientsAndStates() {
        SequentialBlock net = new SequentialBlock()
                .add(Linear.builder().setUnits(128).build())
                .add(Linear.builder().setUnits(10).build());
        Workload step = Workload.of(net, new Shape(8, 64), OptimizerKind.ADAM);
        assertThat(InPlace.bytes(step)).isZero();
        try (Model model = Model.newInstance("net", "PyTorch")) {
            model.setBlock(net);
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss())
                    .optOptimizer(Optimizer.adam().build()))) {
                trainer.initialize(new Shape(8, 64));
                assertThat(InPlace.bytes(step, List.of(trainer))).isEqualTo(WEIGHTS);

                train(trainer);
                assertThat(InPlace.bytes(step)).isEqualTo(2 * WEIGHTS);
                assertThat(InPlace.bytes(step, List.of(trainer))).isEqualTo(4 * WEIGHTS);
                assertThat(InPlace.bytes(step.training(OptimizerKind.SGD), List.of(trainer)))
                        .as("another optimizer has nothing of Adam's")
                        .isEqualTo(2 * WEIGHTS);
                assertThat(InPlace.bytes(step.inference(), List.of(trainer)))
                        .as("inference has no gradients and no state")
                        .isEqualTo(WEIGHTS);
                assertThat(InPlace.bytes(step.device("cuda"), List.of(trainer))).isZero();
            }
        }
        assertThat(InPlace.bytes(step)).as("closed").isZero();
    }

    @Test
    void frozenLayersHaveNoGradientAndAWorkloadOfSizesNothing() {
        assertThat(InPlace.bytes(Workload.mlp().batch(8))).isZero();
        Linear net = Linear.builder().setUnits(4).build();
        try (Model model = Model.newInstance("net", "PyTorch")) {
            model.setBlock(net);
            net.freezeParameters(true);
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss()))) {
                trainer.initialize(new Shape(8, 64));
                assertThat(InPlace.bytes(Workload.of(net, new Shape(8, 64), OptimizerKind.ADAM), List.of(trainer)))
                        .isEqualTo((64 * 4 + 4) * Float.BYTES);
            }
        }
    }

    private static void train(Trainer trainer) {
        try (NDArray data = trainer.getManager().ones(new Shape(8, 64));
                GradientCollector collector = trainer.newGradientCollector()) {
            NDArray out = trainer.forward(new NDList(data)).singletonOrThrow();
            collector.backward(out.sum());
        }
        trainer.step();
    }
}

package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.loss.Loss;
import org.junit.jupiter.api.Test;

class HalfPrecisionMemoryTest {
    @Test
    void theHalfCopiesOfTheWeightsGoWithTheBatch() {
        try (Model model = Model.newInstance("wide")) {
            model.setBlock(new SequentialBlock()
                    .add(Linear.builder().setUnits(8).build())
                    .add(Linear.builder().setUnits(8).build()));
            try (HeadroomTrainer trainer = HeadroomTrainer.of(model, new DefaultTrainingConfig(Loss.l2Loss()))
                    .halfPrecision()) {
                trainer.initialize(new Shape(4, 8));
                step(trainer);
                int before = held(trainer);
                for (int i = 0; i < 5; i++) {
                    step(trainer);
                }
                assertThat(held(trainer)).isEqualTo(before);
            }
        }
    }

    private static void step(HeadroomTrainer trainer) {
        try (NDManager batch = trainer.getManager().newSubManager();
                GradientCollector collector = trainer.newGradientCollector()) {
            NDArray out =
                    trainer.forward(new NDList(batch.ones(new Shape(4, 8)))).head();
            collector.backward(out.sum());
        }
    }

    private static int held(HeadroomTrainer trainer) {
        return trainer.getModel().getNDManager().getManagedArrays().size()
                + trainer.getManager().getManagedArrays().size();
    }
}

package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.Test;

/** The room for a block of one's own is the head-room and what its weights take already, and advice is of blocks. */
class OwnBlockRoomTest {
    @Test
    void theRoomIsTheHeadRoomAndWhatTheBlockTakesAlready() {
        Linear net = Linear.builder().setUnits(4096).build();
        Workload step = Workload.of(net, new Shape(8, 1024), OptimizerKind.ADAM);
        assertThat(Session.room(step))
                .hasToString(Bytes.format(Session.room(step).bytes()) + " (the head-room here)");
        try (Model model = Model.newInstance("net", "PyTorch")) {
            model.setBlock(net);
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss()))) {
                trainer.initialize(new Shape(8, 1024));
                assertThat(Session.room(step).toString())
                        .contains(" head-room and 16.02 MiB that the block and its training take already)");
                assertThat(Headroom.budget(step).toString()).contains("head-room with what the block takes already");
            }
        }
    }

    @Test
    void whereNotEvenOneSampleFitsTheAdviceIsOfBlocks() {
        Workload step = Workload.of(Linear.builder().setUnits(4096).build(), new Shape(8, 1024), OptimizerKind.ADAM);
        assertThatThrownBy(() -> Headroom.largestBatch(step, "16 MiB"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Not even batch 1")
                .hasMessageContaining("Freeze layers")
                .hasMessageContaining("sgd()")
                .hasMessageNotContaining("seq");
        assertThatThrownBy(() -> Headroom.largestBatch(Headroom.mlp(), "1 MiB"))
                .hasMessageContaining("Make seq, nodes or layers smaller");
    }
}

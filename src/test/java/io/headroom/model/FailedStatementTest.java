package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a failed statement opened is released, and nothing that a model, a trainer or another variable needs. */
class FailedStatementTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void aBatchThatNobodyClosedGoesAndTheTrainerStays() {
        try (Model model = Model.newInstance("net")) {
            model.setBlock(Linear.builder().setUnits(8).build());
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss()))) {
                trainer.initialize(new Shape(1, 1 << 20));
                List<Variable> variables =
                        List.of(new Variable("model", "Model", model), new Variable("trainer", "Trainer", trainer));
                Leftovers.Mark mark = Leftovers.mark();
                NDManager batch = trainer.getManager().newSubManager();
                NDArray data = batch.ones(new Shape(4, 1 << 20));
                trainer.evaluate(new NDList(data));

                Leftovers left = Leftovers.since(mark, "train(trainer);", variables);

                assertThat(left.bytes()).isBetween(16 * Bytes.MIB, 17 * Bytes.MIB);
                ReleaseReport report = left.release(variables);
                assertThat(report.returned().orElse(0)).isGreaterThan(14 * Bytes.MIB);
                assertThat(data.isReleased()).isTrue();
                assertThat(Leftovers.since(mark, "train(trainer);", variables).bytes())
                        .isZero();
                try (NDManager next = trainer.getManager().newSubManager()) {
                    assertThat(trainer.evaluate(new NDList(next.ones(new Shape(1, 1 << 20))))
                                    .singletonOrThrow()
                                    .getShape())
                            .isEqualTo(new Shape(1, 8));
                }
            }
        }
    }

    @Test
    void whatTheStatementPutIntoItsListGoesAndWhatWasThereStays() {
        NDArray early = manager.ones(new Shape(1 << 20));
        List<NDArray> kept = new ArrayList<>(List.of(early));
        List<NDArray> other = new ArrayList<>();
        List<Variable> variables = List.of(
                new Variable("manager", "NDManager", manager),
                new Variable("kept", "List<NDArray>", kept),
                new Variable("other", "List<NDArray>", other));
        Leftovers.Mark mark = Leftovers.mark();
        for (int i = 0; i < 4; i++) {
            kept.add(manager.ones(new Shape(1 << 20)));
        }
        other.add(manager.ones(new Shape(1 << 20)));

        Leftovers left = Leftovers.since(mark, "for (;;) kept.add(manager.ones(shape));", variables);

        assertThat(left.bytes()).isEqualTo(16 * Bytes.MIB);
        left.release(variables);
        assertThat(early.isReleased()).isFalse();
        assertThat(other.get(0).isReleased()).isFalse();
        assertThat(kept.subList(1, 5)).allMatch(NDArray::isReleased);
    }

    @Test
    void modelsInAVariableStay() {
        List<Model> models = new ArrayList<>();
        List<Variable> variables = List.of(new Variable("models", "List<Model>", models));
        Leftovers.Mark mark = Leftovers.mark();
        Model model = Model.newInstance("second");
        model.setBlock(Linear.builder().setUnits(8).build());
        model.getBlock().initialize(model.getNDManager(), ai.djl.ndarray.types.DataType.FLOAT32, new Shape(1, 1 << 10));
        models.add(model);

        Leftovers left = Leftovers.since(mark, "for (;;) models.add(make());", variables);
        left.release(variables);

        assertThat(model.getBlock().getParameters().valueAt(0).getArray().isReleased())
                .isFalse();
        model.close();
    }

    @Test
    void aFirstStatementMayStartTheEngine() {
        Leftovers.Mark mark = Leftovers.mark();
        NDManager forgotten = NDManager.newBaseManager("PyTorch");
        forgotten.ones(new Shape(1 << 20));

        Leftovers.since(mark, "run();", List.of()).release(List.of());

        assertThat(forgotten.isOpen()).isFalse();
        try (NDManager next = NDManager.newBaseManager("PyTorch")) {
            assertThat(next.ones(new Shape(2)).sum().getFloat()).isEqualTo(2);
        }
    }
}

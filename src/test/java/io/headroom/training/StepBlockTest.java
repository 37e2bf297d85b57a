package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepBlockTest {
    @Test
    void aWeightThatCannotBeCopiedLeavesTheOthersTheUsersOwn() {
        SequentialBlock block = Steps.perceptron(2, 16, 0);
        try (NDManager users = NDManager.newBaseManager("PyTorch")) {
            block.initialize(users, DataType.FLOAT32, new Shape(4, 16));
            Workload step = Workload.of(block, new Shape(4, 16), OptimizerKind.ADAM);
            List<NDArray> own = arrays(block);
            own.get(own.size() - 1).close();
            try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                assertThatThrownBy(() -> new StepBlock(step, manager)).isInstanceOf(RuntimeException.class);
            }
            List<NDArray> after = arrays(block);
            for (int i = 0; i < own.size(); i++) {
                assertThat(after.get(i)).as("parameter %d", i).isSameAs(own.get(i));
            }
            assertThat(after.get(0).toFloatArray()).hasSize(16 * 16);
        }
    }

    @Test
    void aLayerUsedTwiceIsLentAndGivenBackOnce() {
        Linear shared = Linear.builder().setUnits(16).build();
        SequentialBlock block = new SequentialBlock().add(shared).add(shared);
        try (NDManager users = NDManager.newBaseManager("PyTorch")) {
            block.initialize(users, DataType.FLOAT32, new Shape(4, 16));
            List<NDArray> own = arrays(block);
            try (NDManager manager = NDManager.newBaseManager("PyTorch");
                    StepBlock lent = new StepBlock(Workload.of(block, new Shape(4, 16), OptimizerKind.ADAM), manager)) {
                assertThat(lent.block()).isSameAs(block);
                assertThat(Autograd.trainable(block)).hasSize(2);
            }
            assertThat(arrays(block))
                    .usingElementComparator((a, b) -> a == b ? 0 : 1)
                    .containsExactlyElementsOf(own);
            assertThat(arrays(block).get(0).toFloatArray()).hasSize(16 * 16);
        }
    }

    private static List<NDArray> arrays(SequentialBlock block) {
        return block.getParameters().values().stream().map(Parameter::getArray).toList();
    }
}

package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.Watch;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class NestedPeakTest {
    @Test
    @EnabledOnOs(OS.LINUX)
    void aStepMeasuredWithinAWatchDoesNotHideTheWatchsPeak() {
        Workload step = Workload.mlp().batch(4).training(OptimizerKind.SGD);
        StepRunner.run(step);
        Watch watch = Watch.start("around");
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            manager.ones(new Shape(256 * Bytes.MIB / Float.BYTES));
        }
        StepRunner.run(step);
        assertThat(watch.stop().rose().getAsLong()).isGreaterThan(250 * Bytes.MIB);
    }
}

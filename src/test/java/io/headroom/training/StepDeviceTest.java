package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.Device;
import ai.djl.engine.Engine;
import io.headroom.memory.DeviceMemory;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Where a step runs and in whose memory it is measured; engine and driver of a GPU are stand-ins. */
class StepDeviceTest {
    private static final Workload STEP =
            Workload.mlp().batch(512).dModel(512).layers(4).training(OptimizerKind.ADAM);

    @Test
    void theNameOfAWorkloadsDevicePicksTheEngines() {
        assertThat(StepDevice.of("CPU", null, 1, "Linux")).isEqualTo(Device.cpu());
        assertThat(StepDevice.of("cuda", null, 1, "Linux")).isEqualTo(Device.gpu());
        assertThat(StepDevice.of("A100 40GB", null, 2, "Linux")).isEqualTo(Device.gpu());
        assertThat(StepDevice.of("mps", null, 0, "Mac OS X")).isEqualTo(Device.of("mps", 0));
        assertThat(StepDevice.of("Mac 16GB", null, 0, "Mac OS X")).isEqualTo(Device.of("mps", 0));
    }

    @Test
    void aDeviceThatTheEngineDoesNotHaveIsRefusedByName() {
        Assumptions.assumeTrue(Engine.getInstance().getGpuCount() == 0);
        for (String cuda : List.of("cuda", "A100 40GB")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> StepRunner.run(STEP.device(cuda)))
                    .withMessageContaining("device = " + cuda)
                    .withMessageContaining("no CUDA device here")
                    .withMessageContaining("device = cpu");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StepDevice.of("mps", null, 1, "Linux"))
                .withMessageContaining("no MPS device here");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SampleTraining.of(4, 1024).device("cuda").run())
                .withMessageContaining("device = cuda");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Probe.of(STEP.device("cuda"), Bytes.GIB, stage -> {}))
                .withMessageContaining("device = cuda");
    }

    @Test
    void aStepIsMeasuredInTheMemoryOfItsDevice() {
        AtomicLong before = new AtomicLong();
        before.set(Reading.now().rss().orElseThrow());
        // a device whose driver counts what this process takes, beside a context of 300 MiB
        try (DeviceMeter meter = new DeviceMeter(
                () -> List.of(device(300 * Bytes.MIB + Reading.now().rss().orElseThrow() - before.get(), 0)))) {
            Measurement measured = StepRunner.run(STEP, stage -> {}, Device.cpu(), meter);
            assertThat(measured.exact()).isFalse();
            assertThat(measured.idleBytes()).isBetween(200 * Bytes.MIB, 400 * Bytes.MIB);
            assertThat(measured.peakBytes()).isBetween(8 * Bytes.MIB, 200 * Bytes.MIB);
        }
    }

    @Test
    void thePeakIsTheHighestSampleAboveTheContext() throws InterruptedException {
        AtomicLong own = new AtomicLong(500);
        try (DeviceMeter meter = new DeviceMeter(() -> List.of(device(7, 0), device(own.get(), 100_000)))) {
            own.set(1_700);
            for (int i = 0; i < 1000 && meter.highest() < 1_700; i++) {
                Thread.sleep(1);
            }
            own.set(900);
            assertThat(meter.idleBytes()).isEqualTo(500);
            assertThat(meter.roseBytes()).isEqualTo(1_200);
        }
    }

    @Test
    void whereTheDriverHidesProcessesOneDeviceStillTells() {
        AtomicLong used = new AtomicLong(2_000);
        try (DeviceMeter meter = new DeviceMeter(() -> List.of(hidden(used.get())))) {
            used.set(5_000);
            assertThat(meter.roseBytes()).isEqualTo(3_000);
        }
        assertThatIllegalStateException()
                .isThrownBy(() -> new DeviceMeter(() -> List.of(hidden(1), hidden(2))))
                .withMessageContaining("2 devices");
        assertThatIllegalStateException()
                .isThrownBy(() -> new DeviceMeter(List::of))
                .withMessageContaining("NVML");
    }

    private static DeviceMemory device(long own, long others) {
        return new DeviceMemory(
                "GPU 0",
                OptionalLong.of(80 * Bytes.GIB),
                OptionalLong.of(own + others),
                OptionalLong.of(80 * Bytes.GIB - own - others),
                OptionalLong.of(own),
                List.of(),
                false);
    }

    private static DeviceMemory hidden(long used) {
        OptionalLong none = OptionalLong.empty();
        return new DeviceMemory("GPU", none, OptionalLong.of(used), none, none, List.of(), false);
    }

    /** It says what became of the pick, and how to estimate for the device all the same. */
    @Test
    void aDeviceThatIsNotHereIsNotPicked() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StepDevice.require("cuda", null, 0, "Linux"))
                .withMessageContaining("device = cuda")
                .withMessageContaining("no CUDA device here")
                .withMessageContaining("it is not picked")
                .withMessageContaining("transformer().device(\"cuda\")")
                .satisfies(refused -> assertThat(refused.getMessage()).doesNotContain("but not run"));
        StepDevice.require("cuda", null, 1, "Linux");
        StepDevice.require("mps", null, 0, "Mac OS X");
        StepDevice.require("cpu", null, 0, "Linux");
    }
}

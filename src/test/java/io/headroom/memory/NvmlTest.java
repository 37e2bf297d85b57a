package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import io.headroom.units.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class NvmlTest {
    private static final long OWN = 77;

    @Test
    void aDeviceTellsItselfThisProcessAndTheOthers() {
        DeviceMemory device = new Nvml(new Driver(), OWN).devices().get(0);
        assertThat(device.name()).isEqualTo("GPU 0 Test Card");
        assertThat(device.total()).hasValue(24 * Bytes.GIB);
        assertThat(device.used()).hasValue(10 * Bytes.GIB);
        assertThat(device.own()).hasValue(4 * Bytes.GIB);
        assertThat(device.others())
                .containsExactly(new DeviceMemory.Occupant(4_000_000_000L, "python3", OptionalLong.empty()));
    }

    @Test
    void withoutADriverThereIsNoDevice() {
        assertThat(new Nvml(new NoDriver(), OWN).devices()).isEmpty();
    }

    @Test
    void withoutALibraryThereIsNothingToAskAndAReadingIsTakenAllTheSame() {
        assertThat(Nvml.open(List.of("libno-such-driver.so.1", "no-such-driver")))
                .isEmpty();
        assertThat(Reading.now().devices()).isEqualTo(Devices.now());
    }

    @Test
    void unifiedMemoryTellsTheCapacityOnly() {
        DeviceMemory mps = Devices.unified(
                java.util.Optional.of(new Limit(Limit.Kind.PHYSICAL, 16 * Bytes.GIB, OptionalLong.empty())));
        assertThat(mps.unified()).isTrue();
        assertThat(mps.total()).hasValue(16 * Bytes.GIB);
        assertThat(List.of(mps.used(), mps.free(), mps.own())).allMatch(OptionalLong::isEmpty);
    }

    private static class NoDriver implements Nvml.Calls {
        @Override
        public int nvmlInit_v2() {
            return 0;
        }

        @Override
        public int nvmlDeviceGetCount_v2(IntByReference count) {
            return 999;
        }

        @Override
        public int nvmlDeviceGetHandleByIndex_v2(int index, PointerByReference device) {
            return 0;
        }

        @Override
        public int nvmlDeviceGetName(Pointer device, byte[] name, int length) {
            return 0;
        }

        @Override
        public int nvmlDeviceGetMemoryInfo(Pointer device, Pointer memory) {
            return 0;
        }

        @Override
        public int nvmlDeviceGetComputeRunningProcesses_v3(Pointer device, IntByReference count, Pointer infos) {
            return 0;
        }

        @Override
        public int nvmlDeviceGetGraphicsRunningProcesses_v3(Pointer device, IntByReference count, Pointer infos) {
            return 3;
        }

        @Override
        public int nvmlSystemGetProcessName(int pid, byte[] name, int length) {
            return 0;
        }
    }

    private static final class Driver extends NoDriver {
        @Override
        public int nvmlDeviceGetCount_v2(IntByReference count) {
            count.setValue(1);
            return 0;
        }

        @Override
        public int nvmlDeviceGetName(Pointer device, byte[] name, int length) {
            return put("Test Card", name);
        }

        @Override
        public int nvmlDeviceGetMemoryInfo(Pointer device, Pointer memory) {
            memory.setLong(0, 24 * Bytes.GIB);
            memory.setLong(8, 14 * Bytes.GIB);
            memory.setLong(16, 10 * Bytes.GIB);
            return 0;
        }

        @Override
        public int nvmlDeviceGetComputeRunningProcesses_v3(Pointer device, IntByReference count, Pointer infos) {
            infos.setInt(0, (int) OWN);
            infos.setLong(8, 4 * Bytes.GIB);
            infos.setInt(24, (int) 4_000_000_000L);
            infos.setLong(32, -1);
            count.setValue(2);
            return 0;
        }

        @Override
        public int nvmlSystemGetProcessName(int pid, byte[] name, int length) {
            return put("/usr/bin/python3 train.py", name);
        }

        private static int put(String text, byte[] into) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            System.arraycopy(bytes, 0, into, 0, bytes.length);
            return 0;
        }
    }
}

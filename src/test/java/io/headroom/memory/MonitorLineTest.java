package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MonitorLineTest {
    @Test
    void withoutADeviceThereIsNoGpu() {
        assertThat(MonitorLine.of(1000, Samples.reading(0, "", Bytes.GIB))).isEqualTo("Step 1000: CPU: 1024.0MB");
    }

    @Test
    void whatThisProcessHoldsOnAllCardsIsItsGpu() {
        Reading reading = Samples.reading(
                0,
                "",
                Bytes.GIB,
                Samples.card(0, Bytes.GIB, 9 * Bytes.GIB),
                Samples.card(1, 2 * Bytes.GIB, 3 * Bytes.GIB));
        assertThat(MonitorLine.of(5, reading)).isEqualTo("Step 5: CPU: 1024.0MB, GPU: 3072.0MB");
        assertThat(MonitorLine.summary(reading, OptionalLong.empty(), List.of()).get(0))
                .contains("current_gpu_mb 3072.0");
    }

    @Test
    void whereTheDriverHidesItTheLineSaysWhoseBytesTheyAre() {
        Reading reading = Samples.reading(0, "", Bytes.GIB, Samples.card(0, -1, 9 * Bytes.GIB));
        assertThat(MonitorLine.of(5, reading)).isEqualTo("Step 5: CPU: 1024.0MB, GPU of all processes: 9216.0MB");
        assertThat(MonitorLine.summary(reading, OptionalLong.empty(), List.of()).get(0))
                .contains("current_gpu_mb_of_all_processes 9216.0");
    }
}

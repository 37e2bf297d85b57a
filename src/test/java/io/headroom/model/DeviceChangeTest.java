package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.DeviceMemory;
import io.headroom.memory.Reading;
import io.headroom.memory.Samples;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class DeviceChangeTest {
    @Test
    void whatThisProcessHoldsIsToldWhereTheDriverTells() {
        assertThat(between(Samples.card(0, 0, Bytes.GIB), Samples.card(0, 2 * Bytes.GIB, 5 * Bytes.GIB)))
                .singleElement()
                .hasToString("GPU 0 Test Card: 0 bytes → 2.00 GiB (this process)")
                .extracting(DeviceChange::added)
                .isEqualTo(2 * Bytes.GIB);
    }

    @Test
    void whatAllHoldIsToldWhereTheDriverHidesItAndItChanged() {
        assertThat(between(Samples.card(0, -1, 3 * Bytes.GIB), Samples.card(0, -1, 2 * Bytes.GIB)))
                .singleElement()
                .hasToString("GPU 0 Test Card: 3.00 GiB → 2.00 GiB (all processes)");
        assertThat(between(Samples.card(0, -1, Bytes.GIB), Samples.card(0, -1, Bytes.GIB)))
                .isEmpty();
    }

    @Test
    void aProcessThatAppearsOnTheCardMeanwhileHeldNothingBefore() {
        assertThat(between(Samples.card(0, -1, Bytes.GIB), Samples.card(0, 2 * Bytes.GIB, 3 * Bytes.GIB)))
                .singleElement()
                .hasToString("GPU 0 Test Card: 0 bytes → 2.00 GiB (this process)");
    }

    @Test
    void unifiedMemoryIsTheMachines() {
        OptionalLong none = OptionalLong.empty();
        DeviceMemory mps = new DeviceMemory("MPS", OptionalLong.of(1), none, none, none, List.of(), true);
        assertThat(between(mps, mps)).isEmpty();
    }

    @Test
    void aReleaseTellsItAndIsSilentWithoutADevice() {
        Reading before = Samples.reading(0, "", 3 * Bytes.GIB, Samples.card(0, 2 * Bytes.GIB, 5 * Bytes.GIB));
        Reading after = Samples.reading(1, "", Bytes.GIB, Samples.card(0, 512 * Bytes.MIB, 3 * Bytes.GIB));
        ReleaseReport report = new ReleaseReport("age", OptionalLong.of(2 * Bytes.GIB), before, after, List.of());
        assertThat(report.toString())
                .isEqualTo("age released: 2.00 GiB of 2.00 GiB came back\n"
                        + "  GPU 0 Test Card: 2.00 GiB → 512.00 MiB (this process)");
        assertThat(new Releases(List.of(report)).toString()).contains("GPU 0 Test Card: 2.00 GiB → 512.00 MiB");
        Reading host = Samples.reading(0, "", Bytes.GIB);
        assertThat(new ReleaseReport("age", OptionalLong.empty(), host, host, List.of()).devices())
                .isEmpty();
    }

    private static List<DeviceChange> between(DeviceMemory before, DeviceMemory after) {
        return DeviceChange.between(Samples.reading(0, "", 1, before), Samples.reading(1, "", 1, after));
    }
}

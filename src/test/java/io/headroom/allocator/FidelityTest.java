package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.trace.Snapshot;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every recorded event happens again in the replay: same addresses, same segments, same sums. */
class FidelityTest {
    @ParameterizedTest
    @CsvSource({
        "plain-2.7-p4, 0",
        "plain-1.13-p2, 0",
        "plain-2.0-p3, 0",
        "plain-2.11-p5, 0",
        "oom-2.7-p4, 0",
        "retries-2.7-p4, 0",
        "expandable-2.7-p4, 0",
        "max-split-2.7-p4, 240",
        "gc-2.10-p4, 200",
        "empty-cache-2.7-p4, 0",
        "ring-buffer-2.7-p4, 0",
        "capped-2.7-p4, 400",
        "side-stream-2.7-p4, 0",
        "unmapped-2.7-p4, 0",
        "streams-2.7-p4, 0",
        "two-devices-2.7-p4, 0",
        "full-pages-2.7-p4, 195",
        "oom-expandable-2.7-p4, 158",
        "lost-beginning-2.7-p4, 0",
        "second-device-2.7-p4, 0"
    })
    void replayEqualsRecording(String name, long mebibytes) throws IOException {
        Snapshot snapshot = read(name);
        AllocatorSettings settings = AllocatorSettings.parse(snapshot.conf().orElse(""));
        long limit = mebibytes == 0 ? CachingAllocator.UNLIMITED : mebibytes * Bytes.MIB;
        for (int device : snapshot.devices()) {
            Fidelity fidelity = Fidelity.of(snapshot, device, settings, limit);
            assertThat(fidelity.first()).as(name + " " + fidelity).isEmpty();
            assertThat(fidelity.isExact()).as(fidelity.toString()).isTrue();
            assertThat(fidelity.allocations()).isPositive();
        }
    }

    @Test
    void aWrongSettingPartsFromTheRecording() throws IOException {
        Fidelity fidelity = Fidelity.of(
                read("plain-2.7-p4"),
                0,
                AllocatorSettings.parse("expandable_segments:True"),
                CachingAllocator.UNLIMITED);
        assertThat(fidelity.first()).isPresent();
        assertThat(fidelity.first().get().event()).isZero();
        assertThat(fidelity.toString()).contains("segment_alloc of 2");
    }

    static Snapshot read(String name) throws IOException {
        try (InputStream in = FidelityTest.class.getResourceAsStream("/snapshots/" + name + ".pickle")) {
            return Snapshot.read(in);
        }
    }
}

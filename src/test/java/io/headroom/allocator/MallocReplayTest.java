package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.trace.TraceText;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class MallocReplayTest {
    @Test
    void whatLiesBetweenLiveBlocksStaysUntilItIsTrimmed() {
        List<String> told = new ArrayList<>();
        MallocReplay replay = MallocReplay.of(
                TraceText.parse(
                        """
                alloc first 30 MiB     # freed, it raises malloc's threshold for mapping
                free first
                repeat 16
                  alloc batch$ 4 MiB
                  alloc sample$ 100 KiB
                end
                repeat 16
                  free batch$
                end
                """),
                told::add);
        assertThat(told).hasSameSizeAs(MallocReplay.ENVIRONMENTS);
        MallocReplay.Row asItComes = row(replay, Map.of());
        MallocReplay.Row mapped = row(replay, Map.of("MALLOC_MMAP_THRESHOLD_", "65536"));
        assertThat(asItComes.live()).isEqualTo(16 * 100 * Bytes.KIB);
        assertThat(asItComes.kept()).isBetween(60 * Bytes.MIB, 70 * Bytes.MIB);
        assertThat(asItComes.trimmed()).isGreaterThan(60 * Bytes.MIB);
        assertThat(mapped.peak()).isBetween(64 * Bytes.MIB, 70 * Bytes.MIB);
        assertThat(mapped.kept()).isLessThan(4 * Bytes.MIB);
    }

    @Test
    void aTraceThatDoesNotFitIsNotRun() {
        assertThatThrownBy(() -> MallocReplay.of(TraceText.parse("alloc a 900 TiB"), setting -> {
                    throw new AssertionError("ran " + setting);
                }))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("921600.00 GiB")
                .hasMessageContaining("smaller");
    }

    @Test
    void aSizeNearTheEndOfALongIsNotRunEither() {
        assertThatThrownBy(() -> MallocReplay.of(TraceText.parse("alloc a " + Long.MAX_VALUE + " bytes"), setting -> {
                    throw new AssertionError("ran " + setting);
                }))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static MallocReplay.Row row(MallocReplay replay, Map<String, String> environment) {
        return replay.rows().stream()
                .filter(row -> row.environment().equals(environment))
                .findFirst()
                .orElseThrow();
    }
}

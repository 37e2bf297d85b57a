package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.units.Bytes;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ReadingTest {
    @Test
    @EnabledOnOs(OS.LINUX)
    void theResidentSetIsTheSumOfItsParts() {
        ProcessMemory process = Reading.now().process();
        long parts = process.anonymous().getAsLong()
                + process.file().getAsLong()
                + process.shared().getAsLong();
        assertThat(process.resident()).hasValue(parts);
        assertThat(process.peak().getAsLong()).isGreaterThanOrEqualTo(parts);
    }

    @Test
    void aStageWithoutANameIsRefused() {
        assertThatThrownBy(() -> Reading.now(null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("null")
                .hasMessageContaining("memory(");
    }

    @Test
    void aStageOfTenKilobytesIsCutToALine() {
        assertThat(Reading.now("x".repeat(10_000)).stage()).hasSize(80).endsWith("…");
        assertThat(Reading.now("two\nlines\u0000").stage()).isEqualTo("two lines");
    }

    @Test
    void theLineNamesTheStageAndTheHeadroom() {
        assertThat(Reading.now("age loaded").line())
                .startsWith("[age loaded] process ")
                .contains("heap ")
                .contains("head-room ");
    }

    @Test
    void whatCannotBeReadIsAbsent() {
        ProcFs nowhere = new ProcFs(Path.of("/nowhere"));
        assertThat(nowhere.process()).isEqualTo(ProcessMemory.unknown());
        assertThat(nowhere.physical()).isEmpty();
    }

    @Test
    void theTightestLimitIsTheOneInForce() {
        Limit wide = new Limit(Limit.Kind.PHYSICAL, 24 * Bytes.GIB, OptionalLong.of(Bytes.GIB));
        Limit tight = new Limit(Limit.Kind.CGROUP, 8 * Bytes.GIB, OptionalLong.of(6 * Bytes.GIB));
        Limit unknown = new Limit(Limit.Kind.RLIMIT_AS, Bytes.GIB, OptionalLong.empty());
        Reading now = Reading.now();
        Reading reading = new Reading(
                now.at(),
                "",
                now.process(),
                now.jvm(),
                now.nativeHeap(),
                now.arrays(),
                now.devices(),
                java.util.List.of(wide, tight, unknown));
        assertThat(reading.limit()).contains(tight);
        assertThat(reading.headroom()).hasValue(2 * Bytes.GIB);
    }

    @Test
    void headroomIsNeverNegative() {
        assertThat(new Limit(Limit.Kind.CGROUP, 10, OptionalLong.of(12)).headroom())
                .hasValue(0);
    }
}

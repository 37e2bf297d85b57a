package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class AccountingTest {
    private static final long KNOWN = 256 * Bytes.MIB;

    @Test
    void tensorsAreAccountedForAsMallocAndAsNdArrays() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            manager.ones(new Shape(8));
            Reading before = Reading.now("before");
            List<NDArray> held = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                held.add(manager.ones(new Shape(KNOWN / 4 / Float.BYTES)));
            }
            Reading after = Reading.now("after");
            long grown = after.rss().getAsLong() - before.rss().getAsLong();
            long malloc = after.nativeHeap().used().getAsLong()
                    - before.nativeHeap().used().getAsLong();
            long arrays = after.arrays().orElseThrow().bytes()
                    - before.arrays().orElseThrow().bytes();
            assertThat(grown).isGreaterThanOrEqualTo(KNOWN * 99 / 100);
            assertThat(malloc / (double) grown).isBetween(0.95, 1.05);
            assertThat(arrays).isEqualTo(KNOWN);
        }
    }

    @Test
    void theBreakdownAddsUpToTheResidentSet() {
        Reading.now();
        Breakdown parts = Breakdown.now().orElseThrow();
        long resident = Reading.now().rss().getAsLong();
        assertThat(parts.total() / (double) resident).isBetween(0.95, 1.05);
        assertThat(parts.javaHeap().orElseThrow()).isGreaterThan(Bytes.MIB);
        assertThat(parts.libraries()).isGreaterThan(Bytes.MIB);
        assertThat(parts.largestLibraries()).anyMatch(library -> library.name().startsWith("libjvm"));
    }

    @Test
    void javaObjectsAreAccountedForAsHeap() {
        Fork.Result result =
                Fork.run(HeapMain.class, List.of("-Xint", "-XX:+UseSerialGC", "-Xms512m", "-Xmx512m", "-Xmn400m"));
        assertThat(result.exit()).as(result.output()).isZero();
        String[] bytes = result.output().strip().split(" ");
        long heap = Long.parseLong(bytes[0]);
        long grown = Long.parseLong(bytes[1]);
        assertThat(heap / (double) HeapMain.KNOWN).isBetween(0.95, 1.05);
        assertThat(heap / (double) grown).isBetween(0.95, 1.05);
    }

    @Test
    void mappingsAreSummedByKind() {
        String smaps =
                """
                c0000000-d0000000 rw-p 00000000 00:00 0
                Rss:                1000 kB
                7f0000000000-7f0000100000 r-xp 00000000 08:01 42                         /usr/lib/libtorch_cpu.so.2
                Rss:                 300 kB
                7f0000100000-7f0000200000 r--p 00000000 08:01 43                         /opt/app.jar
                Rss:                  20 kB
                7f0000200000-7f0000300000 rw-s 00000000 00:01 44                         /dev/shm/x (deleted)
                Rss:                   5 kB
                7f0000300000-7f0000400000 rw-p 00000000 00:00 0                          [heap]
                Rss:                  70 kB
                7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
                Rss:                   8 kB
                """;
        Reading reading = Samples.reading(0, "", 1);
        Breakdown parts = Breakdown.of(
                reading,
                smaps,
                "def new generation total 1K, used 1K [0x00000000c0000000, 0x00000000c1000000, 0x00000000d0000000)");
        assertThat(parts)
                .isEqualTo(new Breakdown(
                        reading,
                        java.util.OptionalLong.of(1000 * 1024),
                        300 * 1024,
                        20 * 1024,
                        8 * 1024,
                        5 * 1024,
                        70 * 1024,
                        List.of(new Breakdown.Library("libtorch_cpu.so.2", 300 * 1024))));
        assertThat(parts.total()).isEqualTo(1403 * 1024);
    }
}

package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is live of the Java heap, its limit, and the alarm before it is full. */
class HeapAlarmTest {
    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseParallelGC"})
    void aHeapFilledWithWhatIsKeptRaisesItBeforeTheOutOfMemoryError(String collector) {
        String output = run(collector, "kept", "50000");
        assertThat(output).contains("OutOfMemoryError at ").contains("left below the Java heap's -Xmx ");
        assertThat(output.indexOf("Memory is nearly used up")).isLessThan(output.indexOf("OutOfMemoryError at"));
        assertThat(output).contains("alarms 1 at ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseParallelGC", "-XX:+UseG1GC"})
    void aHeapFullOfGarbageRaisesNone(String collector) {
        assertThat(run(collector, "ring", "10000", "0.7"))
                .contains("alarms 0 at 0")
                .doesNotContain("nearly used up");
    }

    private static String run(String collector, String... arguments) {
        return Fork.run(HeapAlarmMain.class, List.of(collector, "-Xmx96m"), arguments)
                .output();
    }

    @Test
    void theHeapIsALimitOfItsOwnAndNeverTheProcesss() {
        System.gc();
        Reading reading = Reading.now();
        Limit limit = reading.jvm().limit().orElseThrow();
        assertThat(limit.kind()).isEqualTo(Limit.Kind.HEAP);
        assertThat(limit.bytes()).isEqualTo(Runtime.getRuntime().maxMemory());
        assertThat(limit.used().getAsLong())
                .isPositive()
                .isLessThanOrEqualTo(reading.jvm().heapUsed());
        assertThat(limit.headroom().getAsLong())
                .isEqualTo(limit.bytes() - limit.used().getAsLong());
        assertThat(reading.limits()).noneMatch(each -> each.kind() == Limit.Kind.HEAP);
    }

    @Test
    void whatIsKeptCountsFromTheNextFullCollectionOn() {
        for (int i = 0; i < 3; i++) {
            System.gc(); // what earlier tests left, weakly held things too
        }
        long before = Reading.now().jvm().limit().orElseThrow().used().getAsLong();
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            kept.add(new byte[100_000]);
        }
        System.gc();
        long after = Reading.now().jvm().heapLive().orElseThrow();
        assertThat(after - before).as("%d arrays", kept.size()).isBetween(35_000_000L, 85_000_000L);
    }

    @Test
    void beforeAFullCollectionAllThatIsInUseCounts() {
        JvmMemory never = Samples.live(0, 400, -1).jvm();
        assertThat(never.limit().orElseThrow().used()).hasValue(400);
        assertThat(Samples.live(0, 400, 100).jvm().limit().orElseThrow().used()).hasValue(100);
        assertThat(Samples.live(0, 80, 100).jvm().limit().orElseThrow().used()).hasValue(80);
    }
}

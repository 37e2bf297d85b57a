package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class AlarmsTest {
    private static final long LIMIT = 10 * Bytes.GIB;

    private final Alarms alarms = new Alarms();

    @Test
    void headroomThatWaversAtTheThresholdRaisesOneAlarm() {
        alarms.below(Bytes.GIB);
        assertThat(raised(1100, 1000, 1030, 1000, 1500, 900, 1535, 1000)).isEqualTo(1);
        assertThat(alarms.inForce()).isPresent();
    }

    @Test
    void itIsRaisedAnewAfterHalfAsMuchAgainWasLeft() {
        alarms.below(Bytes.GIB);
        assertThat(raised(1000, 1536)).isEqualTo(1);
        assertThat(alarms.inForce()).isEmpty();
        assertThat(raised(1000)).isEqualTo(1);
        assertThat(alarms.inForce()).isPresent();
    }

    @Test
    void aThresholdNearTheLimitCanBeOverToo() {
        alarms.below(8 * Bytes.GIB);
        assertThat(raised(7 * 1024, 9 * 1024, 7 * 1024)).isEqualTo(2);
    }

    @Test
    void byDefaultItIsRaisedBelowFivePercent() {
        assertThat(raised(513)).isZero();
        assertThat(raised(511)).isEqualTo(1);
    }

    @Test
    void itIsPrintedOnce() {
        alarms.below(Bytes.GIB);
        assertThat(alarms.waits()).isFalse();
        raised(1000);
        assertThat(alarms.waits()).isTrue();
        assertThat(alarms.toPrint()).isEqualTo(alarms.inForce());
        assertThat(alarms.waits()).isFalse();
        assertThat(alarms.toPrint()).isEmpty();
    }

    @Test
    void aDeviceThatIsNearlyFullRaisesItTooAndIsNamed() {
        long full = 24 * Bytes.GIB - 10 * Bytes.MIB;
        Alarm alarm = check(Samples.card(0, full, full)).orElseThrow();
        assertThat(alarm.toString())
                .startsWith("Memory is nearly used up: 10.00 MiB left below the GPU 0 Test Card, 24.00 GiB (alarm at");
        assertThat(alarm.remaining()).isEmpty();
        assertThat(check(Samples.card(0, full, full))).isEmpty();
        assertThat(alarms.inForce()).isPresent();
        check(Samples.card(0, Bytes.GIB, Bytes.GIB));
        assertThat(alarms.inForce()).isEmpty();
    }

    @Test
    void aDeviceThatOthersFillIsNotThisProcesssConcern() {
        assertThat(check(Samples.card(0, 0, 24 * Bytes.GIB))).isEmpty();
        assertThat(check(Samples.card(0, -1, 24 * Bytes.GIB)))
                .as("hidden, as in containers")
                .isPresent();
    }

    @Test
    void theJavaHeapRaisesItByWhatAFullCollectionLeftAndNotByGarbage() {
        assertThat(heap(511, -1)).as("nothing is known of what is live").isEmpty();
        assertThat(heap(511, 400)).as("garbage").isEmpty();
        Alarm alarm = heap(511, 490).orElseThrow();
        assertThat(alarm.toString())
                .isEqualTo("Memory is nearly used up: 22.00 MiB left below the Java heap's -Xmx 512.00 MiB"
                        + " (alarm at 25.60 MiB).");
        assertThat(alarm.remaining()).isEmpty();
        assertThat(heap(500, 491)).isEmpty();
        assertThat(alarms.inForce()).contains(alarm);
        heap(500, 300);
        assertThat(alarms.inForce()).isEmpty();
    }

    @Test
    void aThresholdMeantForTensorsIsNoneForASmallHeap() {
        alarms.below(Bytes.GIB);
        assertThat(heap(400, 400)).isEmpty();
        alarms.below(0);
        assertThat(heap(512, 512)).isEmpty();
    }

    @Test
    void aHostThatIsFullKeepsNeitherHeapNorDeviceFromRaisingTheirs() {
        assertThat(raised(400)).isEqualTo(1);
        Reading host = Samples.left(0, LIMIT, 400 * Bytes.MIB);
        long full = 24 * Bytes.GIB - 10 * Bytes.MIB;
        Reading all = new Reading(
                host.at(),
                "",
                host.process(),
                Samples.live(0, 511 * Bytes.MIB, 500 * Bytes.MIB).jvm(),
                host.nativeHeap(),
                host.arrays(),
                List.of(Samples.card(0, full, full)),
                host.limits());
        assertThat(alarms.check(all, () -> Samples.leaks(0)).orElseThrow().where())
                .startsWith("GPU 0");
        assertThat(alarms.check(all, () -> Samples.leaks(0)).orElseThrow().where())
                .startsWith("Java heap");
        assertThat(alarms.check(all, () -> Samples.leaks(0))).isEmpty();
        assertThat(alarms.toPrint().orElseThrow().where()).startsWith("cap");
        assertThat(alarms.toPrint().orElseThrow().where()).startsWith("GPU 0");
        assertThat(alarms.toPrint().orElseThrow().where()).startsWith("Java heap");
        assertThat(alarms.toPrint()).isEmpty();
    }

    private Optional<Alarm> heap(long used, long live) {
        return alarms.check(Samples.live(0, used * Bytes.MIB, live * Bytes.MIB), () -> Samples.leaks(0));
    }

    private Optional<Alarm> check(DeviceMemory card) {
        return alarms.check(Samples.reading(0, "", Bytes.GIB, card), () -> Samples.leaks(0));
    }

    private long raised(long... mebibytes) {
        return LongStream.of(mebibytes)
                .filter(left -> alarms.check(Samples.left(0, LIMIT, left * Bytes.MIB), () -> Samples.leaks(0))
                        .isPresent())
                .count();
    }
}

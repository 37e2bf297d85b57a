package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
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

    private long raised(long... mebibytes) {
        return LongStream.of(mebibytes)
                .filter(left -> alarms.check(Samples.left(0, LIMIT, left * Bytes.MIB), () -> Samples.leaks(0))
                        .isPresent())
                .count();
    }
}

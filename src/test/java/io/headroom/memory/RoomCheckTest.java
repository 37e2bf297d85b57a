package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class RoomCheckTest {
    private static final long USED = 4 * Bytes.GIB;
    private static final Limit MACHINE = limit(Limit.Kind.PHYSICAL, 24);

    private static Limit limit(Limit.Kind kind, long gibibytes) {
        return new Limit(kind, gibibytes * Bytes.GIB, OptionalLong.of(USED));
    }

    @Test
    void moreThanIsLeftIsToldWithTheNeedTheRoomAndWhatToDo() {
        assertThat(RoomCheck.obstacle(300 * Bytes.GIB, List.of(MACHINE), Bytes.GIB))
                .hasValueSatisfying(why -> assertThat(why)
                        .contains("needs 300.00 GiB", "20.00 GiB are left (machine 24.00 GiB)", "limit(\"2 GiB\")"));
        assertThat(RoomCheck.obstacle(20 * Bytes.GIB, List.of(MACHINE), Bytes.GIB))
                .isEmpty();
    }

    @Test
    void theContainerKillsToo() {
        List<Limit> limits = List.of(limit(Limit.Kind.CGROUP, 5), MACHINE);
        assertThat(RoomCheck.obstacle(2 * Bytes.GIB, limits, USED))
                .hasValueSatisfying(why -> assertThat(why).contains("container 5.00 GiB", "limit(\"4608 MiB\")"));
    }

    @Test
    void whereACapComesFirstTheEngineFailsWithAMessage() {
        List<Limit> capped = List.of(limit(Limit.Kind.CAP, 9), MACHINE);
        assertThat(RoomCheck.obstacle(300 * Bytes.GIB, capped, USED)).isEmpty();
        List<Limit> high = List.of(limit(Limit.Kind.CAP, 90), MACHINE);
        assertThat(RoomCheck.obstacle(300 * Bytes.GIB, high, USED))
                .as("asked for by the user")
                .isEmpty();
        List<Limit> useless = List.of(limit(Limit.Kind.RLIMIT_DATA, 90), MACHINE);
        assertThat(RoomCheck.obstacle(300 * Bytes.GIB, useless, USED)).isPresent();
    }

    @Test
    void whereNothingIsKnownNothingIsTold() {
        assertThat(RoomCheck.obstacle(300 * Bytes.GIB, List.of(), USED)).isEmpty();
        assertThat(RoomCheck.obstacle(
                        300 * Bytes.GIB,
                        List.of(new Limit(Limit.Kind.PHYSICAL, Bytes.GIB, OptionalLong.empty())),
                        USED))
                .isEmpty();
    }
}

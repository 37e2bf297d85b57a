package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Tells beforehand what would get the process killed: more than is left of the machine's or the container's memory.
 *
 * <p>Nothing is told where a {@code ulimit} comes first, at which an allocation fails with a message and the process lives, nor
 * under a cap of the user's, however high: where swap or the files' cache give more than is counted here, it lets a step run.
 *
 * <pre>{@code
 * RoomCheck.obstacle(Bytes.parse("300 GiB"));
 * // Optional[it needs 300.00 GiB, and 19.40 GiB are left (machine 23.40 GiB): …]
 * }</pre>
 *
 * <p>Any thread.
 */
public final class RoomCheck {
    private static final Set<Limit.Kind> KILLING = Set.of(Limit.Kind.CGROUP, Limit.Kind.PHYSICAL);
    private static final Set<Limit.Kind> REFUSING = Set.of(Limit.Kind.RLIMIT_DATA, Limit.Kind.RLIMIT_AS);

    private RoomCheck() {}

    /** Why so many bytes of native memory should not be asked for now, and what to do; empty if they may. */
    public static Optional<String> obstacle(long bytes) {
        Reading now = Reading.now();
        return obstacle(bytes, now.limits(), now.rss().orElse(0));
    }

    static Optional<String> obstacle(long bytes, List<Limit> limits, long resident) {
        Optional<Limit> kills = tightest(limits, KILLING);
        if (kills.isEmpty() || bytes <= left(kills.get())) {
            return Optional.empty();
        }
        long room = left(kills.get());
        if (limits.stream().anyMatch(limit -> limit.kind() == Limit.Kind.CAP)
                || tightest(limits, REFUSING)
                        .filter(limit -> left(limit) < room)
                        .isPresent()) {
            return Optional.empty();
        }
        return Optional.of("it needs " + Bytes.format(bytes) + ", and " + Bytes.format(room) + " are left ("
                + kills.get().label() + "), beyond which the system may end the kernel. limit(\"" + cap(resident, room)
                + "\") first lets it fail safely, and under any limit(…) it runs");
    }

    /** 2 GiB where they are within the room, else half of it. */
    private static String cap(long resident, long room) {
        long two = 2 * Bytes.GIB;
        return two > resident + MemoryLimit.SLACK && two < resident + room
                ? "2 GiB"
                : (resident + room / 2) / Bytes.MIB + " MiB";
    }

    private static Optional<Limit> tightest(List<Limit> limits, Set<Limit.Kind> kinds) {
        return limits.stream()
                .filter(limit ->
                        kinds.contains(limit.kind()) && limit.headroom().isPresent())
                .min(Comparator.comparingLong(RoomCheck::left));
    }

    private static long left(Limit limit) {
        return limit.headroom().orElseThrow();
    }
}

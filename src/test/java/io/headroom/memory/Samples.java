package io.headroom.memory;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Readings made up for tests. */
public final class Samples {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private Samples() {}

    public static Reading reading(long second, String stage, long resident, Optional<Limit> limit) {
        OptionalLong none = OptionalLong.empty();
        return new Reading(
                START.plusSeconds(second),
                stage,
                new ProcessMemory(OptionalLong.of(resident), none, none, none, none, none, none, none, none),
                new JvmMemory(1 << 20, none, 2 << 20, none, 1, 1, none, none, 1),
                NativeHeap.unknown(),
                Optional.empty(),
                List.of(),
                limit.stream().toList());
    }

    /** A reading of a process with so much in its Java heap. */
    public static Reading heap(long second, long resident, long used) {
        Reading plain = reading(second, "", resident);
        OptionalLong none = OptionalLong.empty();
        return new Reading(
                plain.at(),
                "",
                plain.process(),
                new JvmMemory(used, none, 1 << 30, none, 1, 1, none, none, 1),
                plain.nativeHeap(),
                plain.arrays(),
                plain.devices(),
                plain.limits());
    }

    /** A reading of a heap of 512 MiB with so much in use, and so much after a full collection; below 0 there was none. */
    public static Reading live(long second, long used, long live) {
        Reading plain = reading(second, "", 1 << 30);
        OptionalLong none = OptionalLong.empty();
        return new Reading(
                plain.at(),
                "",
                plain.process(),
                new JvmMemory(
                        used,
                        live < 0 ? none : OptionalLong.of(live),
                        1 << 29,
                        OptionalLong.of(1 << 29),
                        1,
                        1,
                        none,
                        none,
                        1),
                plain.nativeHeap(),
                plain.arrays(),
                plain.devices(),
                plain.limits());
    }

    /** A reading with the system's mark of the highest resident set. */
    public static Reading marked(long second, long resident, long mark) {
        Reading plain = reading(second, "", resident);
        OptionalLong none = OptionalLong.empty();
        return new Reading(
                plain.at(),
                "",
                new ProcessMemory(
                        OptionalLong.of(resident), OptionalLong.of(mark), none, none, none, none, none, none, none),
                plain.jvm(),
                plain.nativeHeap(),
                plain.arrays(),
                plain.devices(),
                plain.limits());
    }

    public static Reading reading(long second, String stage, long resident) {
        return reading(second, stage, resident, Optional.empty());
    }

    public static Reading reading(long second, String stage, long resident, LiveArrays live) {
        return reading(second, stage, resident).with(live);
    }

    public static Reading reading(long second, String stage, long resident, DeviceMemory... devices) {
        Reading host = reading(second, stage, resident);
        return new Reading(
                host.at(),
                stage,
                host.process(),
                host.jvm(),
                host.nativeHeap(),
                host.arrays(),
                List.of(devices),
                host.limits());
    }

    /** A manager of so many shapes, large ones first, and of some arrays of one number. */
    public static LiveArrays shapes(int shapes, int small) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        long bytes = 0;
        for (int i = 0; i < shapes; i++) {
            counts.put("(" + (10_000 - i) + ", 64) float32", 1);
            bytes += (10_000L - i) * 64 * Float.BYTES;
        }
        if (small > 0) {
            counts.put("(1) float32", small);
        }
        return new LiveArrays(List.of(
                new LiveArrays.Manager("cache", false, 1, shapes + small, bytes + (long) small * Float.BYTES, counts)));
    }

    /** A card of 24 GiB, of which this process and all together take so much; own below 0 is hidden. */
    public static DeviceMemory card(int number, long own, long used) {
        long total = 24L << 30;
        return new DeviceMemory(
                "GPU " + number + " Test Card",
                OptionalLong.of(total),
                OptionalLong.of(used),
                OptionalLong.of(total - used),
                own < 0 ? OptionalLong.empty() : OptionalLong.of(own),
                List.of(),
                false);
    }

    public static Leaks leaks(int readings, Leak... leaks) {
        return new Leaks(List.of(leaks), readings);
    }

    /** A reading of a cap of which so much is left. */
    public static Reading left(long second, long limit, long headroom) {
        return reading(
                second,
                "",
                limit - headroom,
                Optional.of(new Limit(Limit.Kind.CAP, limit, OptionalLong.of(limit - headroom))));
    }

    public static Peak peak(List<OperatorMemory> operators) {
        return new Peak(
                "step <b>",
                reading(0, "", 100),
                reading(1, "", 150),
                OptionalLong.of(400),
                false,
                java.time.Duration.ofMillis(410),
                !operators.isEmpty(),
                operators,
                Optional.empty());
    }
}

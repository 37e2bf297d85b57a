package io.headroom.memory;

import com.sun.management.GarbageCollectorMXBean;
import com.sun.management.GcInfo;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The JVM's full collections of its heap: how many there were and what the last one left.
 *
 * <p>Only these tell what is live. A young collection leaves old garbage, and so do G1's mixed ones: of a program with half of
 * the heap live they may leave 98 % (and {@code MemoryPoolMXBean.getCollectionUsage} repeats that).
 */
final class HeapCollections {
    /** HotSpot's names of what does not go through the whole heap, or counts pauses of what does. */
    private static final Pattern PARTIAL =
            Pattern.compile("Copy|PS Scavenge|ParNew|G1 Young Generation|G1 Concurrent GC|.*(Minor|Young|Pauses).*");

    private static final List<GarbageCollectorMXBean> FULL =
            ManagementFactory.getPlatformMXBeans(GarbageCollectorMXBean.class).stream()
                    .filter(collector -> !PARTIAL.matcher(collector.getName()).matches())
                    .toList();
    private static final Set<String> HEAP = ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .map(MemoryPoolMXBean::getName)
            .collect(Collectors.toSet());

    private record Known(long count, OptionalLong live) {}

    private static volatile Known known = new Known(-1, OptionalLong.empty());

    private HeapCollections() {}

    /** How many there were; a call takes less than a microsecond. */
    static long count() {
        long count = 0;
        for (GarbageCollectorMXBean collector : FULL) {
            count += Math.max(0, collector.getCollectionCount());
        }
        return count;
    }

    /** Bytes in use after the last one; absent before the first. */
    static OptionalLong live() {
        long count = count();
        Known last = known;
        if (last.count() != count) {
            last = new Known(count, read());
            known = last;
        }
        return last.live();
    }

    private static OptionalLong read() {
        GcInfo last = null;
        for (GarbageCollectorMXBean collector : FULL) {
            GcInfo info = collector.getLastGcInfo();
            if (info != null && (last == null || info.getEndTime() > last.getEndTime())) {
                last = info;
            }
        }
        return last == null
                ? OptionalLong.empty()
                : OptionalLong.of(last.getMemoryUsageAfterGc().entrySet().stream()
                        .filter(pool -> HEAP.contains(pool.getKey()))
                        .mapToLong(pool -> pool.getValue().getUsed())
                        .sum());
    }
}

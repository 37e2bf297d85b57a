package io.headroom.allocator;

import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;

/**
 * What lies where on the device at one moment: segments by address, live blocks and holes in them.
 *
 * <pre>{@code
 * AddressMap.at(trace, AllocatorSettings.defaults(), limit, 1200);
 * AddressMap.moments(trace, settings, limit, 24);   // evenly over the run, for a slider
 * }</pre>
 *
 * @param settings what the allocator worked by
 * @param event the event after which this is; the one that failed, if the run died before
 * @param requested bytes asked for in vain at this moment, 0 if nothing failed
 */
public record AddressMap(Trace trace, AllocatorSettings settings, int event, long requested, List<Segment> segments) {
    /** The map after an event. */
    public static AddressMap at(Trace trace, AllocatorSettings settings, long limit, int event) {
        return at(trace, settings, limit, new int[] {event}).get(0);
    }

    /** The maps at {@code count} moments spread evenly over the run, the last at its end. */
    public static List<AddressMap> moments(Trace trace, AllocatorSettings settings, long limit, int count) {
        if (count < 1) {
            throw new IllegalArgumentException("count " + count + " must be at least 1");
        }
        int end = CachingAllocator.replay(trace, settings, limit).events();
        int[] events = new int[Math.max(1, Math.min(count, end))];
        for (int i = 0; i < events.length; i++) {
            events[i] = Math.max(0, (int) ((long) end * (i + 1) / events.length) - 1);
        }
        return at(trace, settings, limit, events);
    }

    private static List<AddressMap> at(Trace trace, AllocatorSettings settings, long limit, int[] events) {
        List<AddressMap> maps = new ArrayList<>();
        Replay replay = new Replay(trace, new CachingAllocator(settings, limit));
        for (int event : events) {
            Footprint now = replay.to(Math.min(event + 1, trace.events()), settings, limit);
            maps.add(new AddressMap(
                    trace,
                    settings,
                    now.events() - 1,
                    now.oom().map(OomPoint::requested).orElse(0L),
                    replay.allocator().segments()));
        }
        return maps;
    }

    /** Bytes of all segments. */
    public long reserved() {
        return segments.stream().mapToLong(Segment::size).sum();
    }

    /** Bytes handed out. */
    public long allocated() {
        return segments.stream().mapToLong(Segment::allocated).sum();
    }

    /** The largest free block in bytes. */
    public long largestHole() {
        return segments.stream().mapToLong(Segment::largestHole).max().orElse(0);
    }

    /** "(default), event 1200: 14 segments, 1.20 GiB reserved, 900.00 MiB allocated, largest hole 50.00 MiB". */
    @Override
    public String toString() {
        return settings + ", event " + event + ": " + segments.size()
                + (segments.size() == 1 ? " segment, " : " segments, ") + Bytes.format(reserved())
                + " reserved, " + Bytes.format(allocated()) + " allocated, largest hole " + Bytes.format(largestHole())
                + (requested > 0 ? ", asked in vain for " + Bytes.format(requested) : "");
    }
}

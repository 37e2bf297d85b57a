package io.headroom.allocator;

import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Comparator;
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
 * @param segments all of them, or for a slider's moments what is enough for drawing; the figures behind count all
 * @param count how many segments there are
 * @param reserved bytes of all segments
 * @param allocated bytes handed out
 * @param largestHole the largest free block in bytes
 */
public record AddressMap(
        Trace trace,
        AllocatorSettings settings,
        int event,
        long requested,
        List<Segment> segments,
        int count,
        long reserved,
        long allocated,
        long largestHole) {
    private static final int MOST_SEGMENTS = 240;
    /** Runs kept of all segments of one moment: some 48 moments stay below 20 MB, however many blocks there are. */
    private static final int MOST_RUNS = 8192;

    private static final int LEAST_RUNS = 8;

    /**
     * The map after an event.
     *
     * @throws IllegalArgumentException if the trace has no such event; the message says which it has
     */
    public static AddressMap at(Trace trace, AllocatorSettings settings, long limit, int event) {
        if (event < 0 || event >= trace.events()) {
            throw new IllegalArgumentException("event " + event + ": the trace has "
                    + (trace.events() == 0 ? "none." : "events 0 to " + (trace.events() - 1) + ". Give one of them."));
        }
        return at(trace, settings, limit, new int[] {event}, false).get(0);
    }

    /**
     * The maps at {@code count} moments spread evenly over the run, the last at its end; for drawing: of the largest
     * segments, with many small blocks joined.
     */
    public static List<AddressMap> moments(Trace trace, AllocatorSettings settings, long limit, int count) {
        if (count < 1) {
            throw new IllegalArgumentException("count " + count + " must be at least 1");
        }
        int end = CachingAllocator.replay(trace, settings, limit).events();
        int[] events = new int[Math.max(1, Math.min(count, end))];
        for (int i = 0; i < events.length; i++) {
            events[i] = Math.max(0, (int) ((long) end * (i + 1) / events.length) - 1);
        }
        return at(trace, settings, limit, events, true);
    }

    private static List<AddressMap> at(
            Trace trace, AllocatorSettings settings, long limit, int[] events, boolean thin) {
        List<AddressMap> maps = new ArrayList<>();
        Replay replay = new Replay(trace, new CachingAllocator(settings, limit));
        for (int event : events) {
            Footprint now = replay.to(Math.min(event + 1, trace.events()), settings, limit);
            List<Segment> segments = replay.allocator().segments();
            AddressMap map = new AddressMap(
                    trace,
                    settings,
                    now.events() - 1,
                    now.oom().map(OomPoint::requested).orElse(0L),
                    segments,
                    segments.size(),
                    segments.stream().mapToLong(Segment::size).sum(),
                    segments.stream().mapToLong(Segment::allocated).sum(),
                    segments.stream().mapToLong(Segment::largestHole).max().orElse(0));
            maps.add(thin ? map.thinned() : map);
        }
        return maps;
    }

    /** The {@code most} largest segments, by address. */
    public static List<Segment> largest(List<Segment> segments, int most) {
        return segments.stream()
                .sorted(Comparator.comparingLong(Segment::size).reversed())
                .limit(most)
                .sorted(Comparator.comparingLong(Segment::address))
                .toList();
    }

    /** What is enough for drawing; the sums stay those of all. */
    private AddressMap thinned() {
        List<Segment> kept = largest(segments, MOST_SEGMENTS);
        int runs = Math.max(LEAST_RUNS, MOST_RUNS / Math.max(1, kept.size()));
        List<Segment> thin = kept.stream()
                .map(segment -> new Segment(
                        segment.address(),
                        segment.size(),
                        segment.stream(),
                        segment.large(),
                        segment.expandable(),
                        segment.runs(runs)))
                .toList();
        return new AddressMap(trace, settings, event, requested, thin, count, reserved, allocated, largestHole);
    }

    /** "(default), event 1200: 14 segments, 1.20 GiB reserved, 900.00 MiB allocated, largest hole 50.00 MiB". */
    @Override
    public String toString() {
        return settings + ", event " + event + ": " + count
                + (count == 1 ? " segment, " : " segments, ") + Bytes.format(reserved)
                + " reserved, " + Bytes.format(allocated) + " allocated, largest hole " + Bytes.format(largestHole)
                + (requested > 0 ? ", asked in vain for " + Bytes.format(requested) : "");
    }
}

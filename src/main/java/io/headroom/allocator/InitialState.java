package io.headroom.allocator;

import static io.headroom.allocator.Blocks.ALLOCATED;
import static io.headroom.allocator.Blocks.EXPANDABLE;
import static io.headroom.allocator.Blocks.LARGE;
import static io.headroom.allocator.Blocks.PENDING;
import static io.headroom.allocator.Blocks.UNMAPPED;

import io.headroom.trace.Recording;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.trace.Trace.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** The segments before the first recorded event: the final ones with the segment events undone, the early blocks in them. */
final class InitialState {
    /** A mapped range and the pool it belongs to. */
    private record Range(long size, long stream, boolean large, boolean expandable) {}

    private static final long TAIL = 1L << 43;

    private final CachingAllocator allocator;
    private final Trace trace;
    private final NavigableMap<Long, Range> ranges = new TreeMap<>();
    /** Early allocations by address. */
    private final NavigableMap<Long, Integer> early = new TreeMap<>();

    /** The bytes of some allocation of the trace by address; made when a range must be told apart. */
    private NavigableMap<Long, Long> recorded;

    private final Map<Integer, Boolean> pending = new HashMap<>();
    private final Map<Long, Integer> streams = new HashMap<>();
    private final int[] blockOf;

    private InitialState(CachingAllocator allocator, Trace trace, int[] blockOf) {
        this.allocator = allocator;
        this.trace = trace;
        this.blockOf = blockOf;
        for (int stream = 0; stream < trace.streams(); stream++) {
            streams.put(trace.streamHandle(stream), stream);
        }
    }

    /** Puts what was there before event {@code start} of the trace into an empty allocator. */
    static void adopt(
            CachingAllocator allocator, Snapshot snapshot, int device, Trace trace, int start, int[] blockOf) {
        InitialState state = new InitialState(allocator, trace, blockOf);
        state.undo(snapshot, device);
        for (int event = 0; event < start; event++) {
            if (trace.kind(event) == Kind.ALLOC) {
                int id = trace.allocation(event);
                state.early.put(trace.address(id), id);
            } else if (trace.kind(event) == Kind.FREE_REQUESTED) {
                state.pending.put(trace.allocation(event), true);
            }
        }
        state.build();
    }

    private void undo(Snapshot snapshot, int device) {
        for (Snapshot.Segment segment : snapshot.segments(device)) {
            ranges.put(
                    segment.address(),
                    new Range(segment.totalSize(), segment.stream(), segment.large(), segment.expandable()));
        }
        Recording recording = snapshot.recording(device);
        for (int event = recording.events() - 1; event >= 0; event--) {
            long address = recording.address(event);
            long size = recording.size(event);
            switch (recording.action(event)) {
                case SEGMENT_ALLOC -> ranges.remove(address);
                case SEGMENT_FREE ->
                    ranges.put(address, new Range(size, recording.stream(event), size > Rounding.SMALL_SEGMENT, false));
                case SEGMENT_MAP -> cut(address, size);
                case SEGMENT_UNMAP -> join(address, size, recording.stream(event));
                default -> {}
            }
        }
    }

    private void cut(long address, long size) {
        Map.Entry<Long, Range> around = ranges.floorEntry(address);
        if (around == null || around.getKey() + around.getValue().size() < address + size) {
            return;
        }
        long from = around.getKey();
        Range range = around.getValue();
        ranges.remove(from);
        keep(from, address - from, range);
        keep(address + size, from + range.size() - address - size, range);
    }

    private void keep(long address, long size, Range like) {
        if (size > 0) {
            ranges.put(address, new Range(size, like.stream(), like.large(), true));
        }
    }

    private void join(long address, long size, long stream) {
        Map.Entry<Long, Range> before = ranges.lowerEntry(address);
        Map.Entry<Long, Range> after = ranges.ceilingEntry(address);
        long from = address;
        long to = address + size;
        boolean large = isLarge(address, size);
        if (before != null
                && before.getKey() + before.getValue().size() == address
                && continues(before.getValue(), stream, large)) {
            from = before.getKey();
            ranges.remove(from);
        }
        if (after != null && after.getKey() == to && continues(after.getValue(), stream, large)) {
            to += after.getValue().size();
            ranges.remove(after.getKey());
        }
        ranges.put(from, new Range(to - from, stream, large, true));
    }

    private static boolean continues(Range range, long stream, boolean large) {
        return range.expandable() && range.stream() == stream && range.large() == large;
    }

    /** Which pool an unmapped range was of: what was allocated there tells, else whether it is of whole large pages. */
    private boolean isLarge(long address, long size) {
        Map.Entry<Long, Long> block = recorded().ceilingEntry(address);
        return block != null && block.getKey() < address + size
                ? allocator.roundedSize(Math.max(block.getValue(), 1)) > Rounding.SMALL_SIZE
                : size % allocator.settings().largeSegmentSize() == 0;
    }

    private NavigableMap<Long, Long> recorded() {
        if (recorded == null) {
            recorded = new TreeMap<>();
            for (int id = 0; id < trace.allocations(); id++) {
                recorded.put(trace.address(id), trace.bytes(id));
            }
        }
        return recorded;
    }

    private void build() {
        Map<String, Integer> open = new HashMap<>();
        List<Integer> heads = new ArrayList<>();
        for (Map.Entry<Long, Range> entry : ranges.entrySet()) {
            Range range = entry.getValue();
            List<Integer> rows = rows(entry.getKey(), range);
            String space = range.large() + " " + range.stream();
            Integer last = range.expandable() ? open.get(space) : null;
            if (last == null) {
                heads.add(rows.get(0));
            } else {
                int gap = row(end(last), entry.getKey() - end(last), range, UNMAPPED);
                allocator.blocks().linkAfter(gap, last);
                allocator.blocks().linkAfter(rows.get(0), gap);
            }
            for (int i = 1; i < rows.size(); i++) {
                allocator.blocks().linkAfter(rows.get(i), rows.get(i - 1));
            }
            if (range.expandable()) {
                open.put(space, rows.get(rows.size() - 1));
            }
        }
        for (int last : open.values()) {
            Blocks blocks = allocator.blocks();
            int tail = blocks.add(
                    end(last), TAIL, blocks.stream[last], blocks.flags[last] & LARGE | EXPANDABLE | UNMAPPED);
            blocks.linkAfter(tail, last);
        }
        heads.forEach(allocator::adopt);
    }

    private long end(int row) {
        return allocator.blocks().address[row] + allocator.blocks().size[row];
    }

    private int row(long address, long size, Range range, int flag) {
        return allocator
                .blocks()
                .add(
                        address,
                        size,
                        streamOf(range.stream()),
                        flag | (range.large() ? LARGE : 0) | (range.expandable() ? EXPANDABLE : 0));
    }

    /** A stream that only cached segments know gets a number of its own: nobody else is served from them. */
    private int streamOf(long handle) {
        Integer known = streams.get(handle);
        if (known == null) {
            known = streams.size();
            streams.put(handle, known);
        }
        return known;
    }

    private List<Integer> rows(long address, Range range) {
        List<Integer> rows = new ArrayList<>();
        long next = address;
        long end = address + range.size();
        // Up to a MiB behind a large block belongs to it: a hole that small is never cut off.
        long slack = range.large() && !range.expandable() ? Rounding.SMALL_SIZE : 0;
        for (Map.Entry<Long, Integer> live : early.subMap(address, end).entrySet()) {
            if (live.getKey() < next) {
                continue;
            }
            if (live.getKey() > next) {
                rows.add(row(next, live.getKey() - next, range, 0));
            }
            int id = live.getValue();
            Long following = early.higherKey(live.getKey());
            long room = (following == null ? end : Math.min(following, end)) - live.getKey();
            long size = Math.min(allocator.roundedSize(Math.max(trace.bytes(id), 1)), room);
            size = room - size <= slack ? room : size;
            int block = row(live.getKey(), size, range, pending.containsKey(id) ? PENDING : ALLOCATED);
            allocator.blocks().requested[block] = trace.bytes(id);
            allocator.blocks().owner[block] = id;
            blockOf[id] = block;
            rows.add(block);
            next = live.getKey() + size;
        }
        if (next < end) {
            rows.add(row(next, end - next, range, 0));
        }
        return rows;
    }
}

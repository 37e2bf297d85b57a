package io.headroom.allocator;

import io.headroom.trace.Trace;
import io.headroom.trace.Trace.Kind;
import io.headroom.trace.Trace.Peak;
import java.util.Arrays;
import java.util.Optional;

/** Drives an allocator with a trace. */
final class Replay {
    private final Trace trace;
    private final CachingAllocator allocator;
    private final Counters counters;
    private final int[] blockOf;
    private final Series series = new Series();
    private long peakAllocated;
    private int allocatedAt = -1;
    private long peakReserved;
    private int reservedAt = -1;
    private long unallocatedAtPeak;
    private OomPoint oom;
    private int event;

    Replay(Trace trace, CachingAllocator allocator) {
        this.trace = trace;
        this.allocator = allocator;
        counters = allocator.counters();
        blockOf = new int[trace.allocations()];
        Arrays.fill(blockOf, Blocks.NONE);
    }

    static Footprint run(Trace trace, AllocatorSettings settings, Capacity capacity) {
        return new Replay(trace, new CachingAllocator(settings, capacity))
                .to(trace.events(), settings, capacity.limit());
    }

    /** The allocator as it is after event {@code event} (or where it ran out of memory before). */
    static CachingAllocator at(Trace trace, AllocatorSettings settings, Capacity capacity, int event) {
        CachingAllocator allocator = new CachingAllocator(settings, capacity);
        new Replay(trace, allocator).to(Math.min(event + 1, trace.events()), settings, capacity.limit());
        return allocator;
    }

    CachingAllocator allocator() {
        return allocator;
    }

    /** Goes on from where it stands up to an event, or to the one that fails. */
    Footprint to(int end, AllocatorSettings settings, long limit) {
        for (; event < end && oom == null; event++) {
            if (!step(event)) {
                oom = oomAt(event, limit);
            }
            long allocated = counters.current(Counters.ALLOCATED_BYTES);
            long reserved = counters.current(Counters.RESERVED_BYTES);
            series.add(allocated, counters.current(Counters.ACTIVE_BYTES), reserved);
        }
        return new Footprint(
                settings,
                limit,
                event,
                moment(peakAllocated, allocatedAt),
                moment(peakReserved, reservedAt),
                unallocatedAtPeak,
                Optional.ofNullable(oom),
                counters.statistics(),
                series);
    }

    private boolean step(int event) {
        Kind kind = trace.kind(event);
        if (kind == Kind.ALLOC) {
            return alloc(event, trace.allocation(event));
        }
        if (kind == Kind.PHASE || kind == Kind.MARK) {
            return true;
        }
        if (kind == Kind.EMPTY_CACHE) {
            allocator.emptyCache();
            return true;
        }
        int id = trace.allocation(event);
        int block = blockOf[id];
        if (block != Blocks.NONE && allocator.blocks().owner[block] == id) {
            switch (kind) {
                case FREE -> {
                    allocator.free(block);
                    blockOf[id] = Blocks.NONE;
                }
                case FREE_REQUESTED -> allocator.freeRequested(block);
                case FREE_COMPLETED -> {
                    allocator.freeCompleted(block);
                    blockOf[id] = Blocks.NONE;
                }
                default -> allocator.recordStream(block, trace.streamOfEvent(event));
            }
        }
        return true;
    }

    private boolean alloc(int event, int id) {
        long bytes = trace.bytes(id);
        if (bytes == 0) {
            return true;
        }
        int block = allocator.malloc(bytes, trace.stream(id));
        long reserved = counters.peak(Counters.RESERVED_BYTES);
        if (reserved > peakReserved) {
            peakReserved = reserved;
            reservedAt = event;
            unallocatedAtPeak = reserved - counters.current(Counters.ALLOCATED_BYTES);
        }
        if (block == CachingAllocator.OUT_OF_MEMORY) {
            return false;
        }
        blockOf[id] = block;
        allocator.blocks().owner[block] = id;
        long allocated = counters.current(Counters.ALLOCATED_BYTES);
        if (allocated > peakAllocated) {
            peakAllocated = allocated;
            allocatedAt = event;
        }
        return true;
    }

    private Peak moment(long bytes, int event) {
        int id = event < 0 ? -1 : trace.allocation(event);
        return new Peak(bytes, event, id < 0 ? "" : trace.phase(id), id < 0 ? "" : trace.operator(id));
    }

    private OomPoint oomAt(int event, long limit) {
        int id = trace.allocation(event);
        long requested = trace.bytes(id);
        long reserved = counters.current(Counters.RESERVED_BYTES);
        boolean large = allocator.roundedSize(requested) > Rounding.SMALL_SIZE;
        long hole = allocator.segments().stream()
                .filter(segment -> segment.large() == large && segment.stream() == trace.stream(id))
                .mapToLong(Segment::largestHole)
                .max()
                .orElse(0);
        return new OomPoint(
                event,
                requested,
                allocator.segmentSize(requested),
                counters.current(Counters.ALLOCATED_BYTES),
                reserved,
                allocator.left(limit),
                hole,
                trace.phase(id),
                trace.operator(id));
    }
}

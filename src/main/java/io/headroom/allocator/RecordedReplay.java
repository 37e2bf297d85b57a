package io.headroom.allocator;

import io.headroom.trace.Recording;
import io.headroom.trace.Recording.Action;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.trace.Trace.Kind;
import io.headroom.units.Bytes;
import java.util.Arrays;
import java.util.Optional;

/** Replays a snapshot on a device that answers as recorded, and watches for the first difference. */
final class RecordedReplay {
    private final int device;
    private final Snapshot snapshot;
    private final Trace trace;
    private final Recording recording;
    private final RecordedDriver driver;
    private final CachingAllocator allocator;
    private final int[] blockOf;
    private int allocations;
    private boolean expectFailure;
    private Source.Refused refused;

    RecordedReplay(Snapshot snapshot, int device, AllocatorSettings settings, long total) {
        this.device = device;
        this.snapshot = snapshot;
        trace = snapshot.trace(device);
        recording = snapshot.recording(device);
        driver = new RecordedDriver(recording, total);
        allocator = new CachingAllocator(settings, driver);
        blockOf = new int[trace.allocations()];
        Arrays.fill(blockOf, Blocks.NONE);
    }

    Fidelity compare() {
        int start = 0;
        while (start < trace.events() && !isRecorded(start)) {
            start++;
        }
        InitialState.adopt(allocator, snapshot, device, trace, start, blockOf);
        for (int event = start; event < trace.events(); event++) {
            step(event);
        }
        driver.advance(Action.OTHER);
        driver.settle("nothing more");
        Counters counters = allocator.counters();
        return new Fidelity(
                device,
                allocations,
                driver.matched(),
                Optional.ofNullable(driver.first()),
                counters.current(Counters.RESERVED_BYTES),
                snapshot.reserved(device),
                counters.current(Counters.ALLOCATED_BYTES),
                snapshot.allocated(device));
    }

    /** The first request that failed, where the replay came there as recorded. */
    Optional<Source.Refused> refused() {
        return Optional.ofNullable(refused);
    }

    private Source.Refused refused(int event, int id, long free) {
        long requested = trace.bytes(id);
        boolean large = allocator.roundedSize(requested) > Rounding.SMALL_SIZE;
        Hole hole = Hole.of(allocator.segments(), trace, requested, trace.stream(id), large);
        Counters counters = allocator.counters();
        OomPoint point = new OomPoint(
                event,
                requested,
                allocator.segmentSize(requested),
                counters.current(Counters.ALLOCATED_BYTES),
                counters.current(Counters.RESERVED_BYTES),
                free,
                hole.size(),
                "",
                trace.operator(id));
        return new Source.Refused(point, hole);
    }

    private boolean isRecorded(int event) {
        return trace.kind(event) == Kind.PHASE && trace.label(event).equals(Snapshot.RECORDED);
    }

    private void step(int event) {
        int id = trace.allocation(event);
        switch (trace.kind(event)) {
            case MARK -> expectFailure = trace.label(event).equals(Snapshot.OUT_OF_MEMORY);
            case ALLOC -> alloc(event, id);
            case EMPTY_CACHE -> {
                driver.advanceReleases();
                allocator.emptyCache();
                driver.settle("kept by empty_cache");
            }
            case PHASE, RECORD_STREAM -> {}
            default -> {
                int block = blockOf[id];
                if (block != Blocks.NONE && allocator.blocks().owner[block] == id) {
                    free(trace.kind(event), block);
                }
            }
        }
    }

    private void free(Kind kind, int block) {
        switch (kind) {
            case FREE -> allocator.free(block);
            case FREE_REQUESTED -> allocator.freeRequested(block);
            default -> allocator.freeCompleted(block);
        }
    }

    private void alloc(int event, int id) {
        int recorded = driver.advance(expectFailure ? Action.OOM : Action.ALLOC);
        if (driver.releasesDue() && trace.bytes(id) > 0 && allocator.hasFree(trace.bytes(id), trace.stream(id))) {
            // With a cached block at hand it was not this request that gave segments back, so the program did.
            allocator.emptyCache();
        }
        int block = trace.bytes(id) == 0 ? Blocks.NONE : allocator.malloc(trace.bytes(id), trace.stream(id));
        if (expectFailure) {
            expectFailure = false;
            driver.settle("out of memory");
            if (block != Blocks.NONE) {
                driver.diverge(recorded, "out of memory", "an allocation of " + Bytes.format(trace.bytes(id)));
                allocator.free(block);
            } else if (driver.first() == null && refused == null) {
                refused = refused(event, id, Math.max(recording.address(recorded), 0));
            }
            return;
        }
        if (block == Blocks.NONE) {
            driver.diverge(recorded, "an allocation of " + Bytes.format(trace.bytes(id)), "out of memory");
            return;
        }
        driver.settle("a cached block");
        long address = allocator.blocks().address[block];
        if (address != trace.address(id)) {
            driver.diverge(
                    recorded,
                    "an address of 0x" + Long.toHexString(trace.address(id)),
                    "0x" + Long.toHexString(address));
        }
        blockOf[id] = block;
        allocator.blocks().owner[block] = id;
        allocations += driver.first() == null ? 1 : 0;
    }
}

package io.headroom.trace;

import io.headroom.trace.Recording.Action;
import io.headroom.trace.Snapshot.Failure;
import io.headroom.trace.Snapshot.Segment;
import io.headroom.trace.Snapshot.State;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/** Turns a recording into a trace: addresses become allocations, what was live before is found, cache clearing is seen. */
final class SnapshotTrace {
    /** An allocation made before the first event that is still there. */
    private record Early(long address, long bytes, long stream, int frames, boolean pending) {}

    private final Snapshot snapshot;
    private final Recording recording;
    private final List<Segment> segments;
    private final Trace.Builder trace = Trace.builder();
    private final LongIntMap live = new LongIntMap();
    private boolean emptiesCache;

    private SnapshotTrace(Snapshot snapshot, int device) {
        this.snapshot = snapshot;
        recording = snapshot.recording(device);
        segments = snapshot.segments(device);
        if (segments.isEmpty() && recording.events() == 0) {
            throw new IllegalArgumentException(
                    "device " + device + " is not in the snapshot, which has " + snapshot.devices());
        }
        trace.device(device);
    }

    static Trace of(Snapshot snapshot, int device) {
        return new SnapshotTrace(snapshot, device).build();
    }

    static Optional<Failure> failure(Snapshot snapshot, int device) {
        Recording recording = snapshot.recording(device);
        for (int event = 0; event < recording.events(); event++) {
            if (recording.action(event) == Action.OOM && recording.address(event) >= 0) {
                long[] reserved = new SnapshotTrace(snapshot, device).reservedBefore();
                long most = LongStream.of(reserved).limit(event + 1L).max().orElse(0);
                return Optional.of(new Failure(
                        event, reserved[event], most, recording.address(event), Math.max(recording.size(event), 0)));
            }
        }
        return Optional.empty();
    }

    private Trace build() {
        List<Early> early = early();
        if (!early.isEmpty()) {
            trace.phase(Snapshot.BEFORE);
            for (Early block : early) {
                int id = alloc(block.bytes(), block.stream(), block.frames(), block.address());
                if (block.pending()) {
                    trace.freeRequested(id);
                }
            }
        }
        if (recording.events() > 0) {
            trace.phase(Snapshot.RECORDED);
        }
        long[] reserved = reservedBefore();
        long most = 0;
        for (long bytes : reserved) {
            most = Math.max(most, bytes);
        }
        emptiesCache = emptiesCache(reserved, most);
        for (int event = 0; event < recording.events(); event++) {
            trace.time(recording.timeMicros(event));
            event = step(event, reserved, most);
        }
        return trace.build();
    }

    private int step(int event, long[] reserved, long most) {
        long address = recording.address(event);
        switch (recording.action(event)) {
            case ALLOC -> {
                int forgotten = live.remove(address);
                if (forgotten >= 0) {
                    end(forgotten);
                }
                alloc(Math.max(recording.size(event), 0), recording.stream(event), recording.frames(event), address);
            }
            case FREE_REQUESTED -> {
                int id = live.get(address);
                if (id < 0 || !trace.isLive(id)) {
                    trace.skip();
                } else if (completesNext(event)) {
                    trace.free(id);
                    live.remove(address);
                    return event + 1;
                } else {
                    trace.freeRequested(id);
                }
            }
            case FREE_COMPLETED -> {
                int id = live.remove(address);
                if (id < 0) {
                    trace.skip();
                } else {
                    end(id);
                }
            }
            case SEGMENT_FREE, SEGMENT_UNMAP -> {
                int last = lastRelease(event);
                Cause cause = cause(event, last, reserved, most);
                if (cause == Cause.PROGRAM || cause == Cause.EITHER && emptiesCache) {
                    trace.emptyCache();
                }
                return last;
            }
            case OOM -> {
                // What failed must fit at least for a moment; what would have come after it nobody knows.
                trace.mark(Snapshot.OUT_OF_MEMORY);
                trace.free(trace.alloc(
                        Math.max(recording.size(event), 0),
                        snapshot.site(recording.frames(event)),
                        recording.stream(event)));
            }
            default -> {}
        }
        return event;
    }

    private void end(int id) {
        if (trace.isLive(id)) {
            trace.free(id);
        } else {
            trace.freeCompleted(id);
        }
    }

    private boolean completesNext(int event) {
        return event + 1 < recording.events()
                && recording.action(event + 1) == Action.FREE_COMPLETED
                && recording.address(event + 1) == recording.address(event);
    }

    private int alloc(long bytes, long stream, int frames, long address) {
        int id = trace.alloc(bytes, snapshot.site(frames), stream);
        trace.address(id, address);
        live.put(address, id);
        return id;
    }

    // A free of an address that no event allocated tells of an earlier allocation, and so does a live block at the end.
    private List<Early> early() {
        List<Early> early = new ArrayList<>();
        LongIntMap known = new LongIntMap();
        for (int event = 0; event < recording.events(); event++) {
            long address = recording.address(event);
            switch (recording.action(event)) {
                case ALLOC -> known.put(address, 1);
                case FREE_REQUESTED, FREE_COMPLETED -> {
                    if (known.get(address) < 0) {
                        boolean pending = recording.action(event) == Action.FREE_COMPLETED;
                        early.add(new Early(
                                address, Math.max(recording.size(event), 0), recording.stream(event), 0, pending));
                    }
                    known.put(address, 0);
                }
                default -> {}
            }
        }
        for (Segment segment : segments) {
            for (Snapshot.Block block : segment.blocks()) {
                if (block.state() != State.INACTIVE && known.get(block.address()) < 0) {
                    early.add(new Early(
                            block.address(),
                            block.requested() > 0 ? block.requested() : block.size(),
                            segment.stream(),
                            block.frames(),
                            block.state() == State.ACTIVE_PENDING_FREE));
                }
            }
        }
        early.sort(Comparator.comparingLong(Early::address));
        return early;
    }

    // Bytes reserved before each event and, last, at the end: counted back from the final segments.
    private long[] reservedBefore() {
        long[] reserved = new long[recording.events() + 1];
        long now = segments.stream().mapToLong(Segment::totalSize).sum();
        reserved[recording.events()] = now;
        for (int event = recording.events() - 1; event >= 0; event--) {
            switch (recording.action(event)) {
                case SEGMENT_ALLOC, SEGMENT_MAP -> now -= recording.size(event);
                case SEGMENT_FREE, SEGMENT_UNMAP -> now += recording.size(event);
                default -> {}
            }
            reserved[event] = now;
        }
        return reserved;
    }

    private int lastRelease(int event) {
        int last = event;
        while (last + 1 < recording.events() && isRelease(recording.action(last + 1))) {
            last++;
        }
        return last;
    }

    private static boolean isRelease(Action action) {
        return action == Action.SEGMENT_FREE || action == Action.SEGMENT_UNMAP;
    }

    private enum Cause {
        PROGRAM,
        FULL,
        EITHER
    }

    // Segments go back when the program empties the cache, and when an allocation finds the device full. The stack
    // tells
    // which; without one, the device was not full if the allocation that follows would have stayed within what was
    // reserved at some other time. Where even that leaves it open, a program that did so elsewhere did so here.
    private Cause cause(int first, int last, long[] reserved, long most) {
        int next = last + 1;
        if (next >= recording.events()) {
            return Cause.PROGRAM;
        }
        return switch (recording.action(next)) {
            case SEGMENT_ALLOC, SEGMENT_MAP -> {
                if (recording.frames(first) > 0 && recording.frames(next) > 0) {
                    yield recording.frames(first) == recording.frames(next) ? Cause.FULL : Cause.PROGRAM;
                }
                Object threshold = snapshot.settings().get("garbage_collection_threshold");
                if (threshold instanceof Number number && number.doubleValue() > 0) {
                    yield Cause.FULL;
                }
                yield reserved[first] + recording.size(next) <= most ? Cause.PROGRAM : Cause.EITHER;
            }
            case OOM -> Cause.FULL;
            default -> Cause.PROGRAM;
        };
    }

    private boolean emptiesCache(long[] reserved, long most) {
        for (int event = 0; event < recording.events(); event++) {
            if (isRelease(recording.action(event))) {
                int last = lastRelease(event);
                if (cause(event, last, reserved, most) == Cause.PROGRAM) {
                    return true;
                }
                event = last;
            }
        }
        return false;
    }
}

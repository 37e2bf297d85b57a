package io.headroom.allocator;

import io.headroom.allocator.Fidelity.Divergence;
import io.headroom.trace.Recording;
import io.headroom.trace.Recording.Action;
import io.headroom.units.Bytes;
import java.util.Locale;

/** A device that answers as the recording did, as long as it is asked what the recording was asked. */
final class RecordedDriver implements Driver {
    private final Recording recording;
    private final long total;
    private final Limited beyond = new Limited(Capacity.of(CachingAllocator.UNLIMITED));
    /** Recorded segment events not yet seen in the replay. */
    private final DueEvents due;

    private int at;
    private int matched;
    private boolean failing;
    private Divergence first;

    RecordedDriver(Recording recording, long total) {
        this.recording = recording;
        this.total = total;
        due = new DueEvents(recording);
    }

    Divergence first() {
        return first;
    }

    int matched() {
        return matched;
    }

    /** Goes on to the next recorded event of this kind, noting the segment events on the way; its number. */
    int advance(Action kind) {
        while (at < recording.events() && recording.action(at) != kind) {
            switch (recording.action(at)) {
                case SEGMENT_ALLOC, SEGMENT_FREE, SEGMENT_MAP, SEGMENT_UNMAP -> due.add(at);
                default -> {}
            }
            at++;
        }
        failing = kind == Action.OOM;
        return at < recording.events() ? at++ : at;
    }

    /** Notes a run of releases that comes next. */
    void advanceReleases() {
        while (at < recording.events() && !DueEvents.isRelease(recording.action(at))) {
            at++;
        }
        while (at < recording.events() && DueEvents.isRelease(recording.action(at))) {
            due.add(at++);
        }
        failing = false;
    }

    /** What is due must have happened by now. */
    void settle(String replayed) {
        if (!due.isEmpty()) {
            diverge(due.first(), describe(due.first()), replayed);
        }
        due.clear();
    }

    void diverge(int event, String recorded, String replayed) {
        if (first == null) {
            first = new Divergence(event, recorded, replayed);
        }
    }

    String describe(int event) {
        return recording.action(event).name().toLowerCase(Locale.ROOT) + " of " + Bytes.format(recording.size(event))
                + " at 0x" + Long.toHexString(recording.address(event));
    }

    private int here() {
        return due.isEmpty() ? at - 1 : due.first();
    }

    /** Whether segments went back before this allocation. */
    boolean releasesDue() {
        return dueAction() != null && DueEvents.isRelease(dueAction());
    }

    private Action dueAction() {
        return due.isEmpty() ? null : recording.action(due.first());
    }

    private boolean take(Action action, long bytes) {
        if (dueAction() == action && recording.size(due.first()) == bytes) {
            due.removeFirst();
            matched++;
            return true;
        }
        return false;
    }

    @Override
    public long malloc(long bytes) {
        if (first == null) {
            long address = due.isEmpty() ? 0 : recording.address(due.first());
            if (take(Action.SEGMENT_ALLOC, bytes)) {
                return address;
            }
            if (isFull()) {
                return -1;
            }
            diverge(
                    here(),
                    due.isEmpty() ? "no new segment" : describe(due.first()),
                    "segment_alloc of " + Bytes.format(bytes));
        }
        return beyond.malloc(bytes);
    }

    private boolean isFull() {
        return dueAction() == null ? failing : DueEvents.isRelease(dueAction());
    }

    @Override
    public void free(long address, long bytes) {
        released(Action.SEGMENT_FREE, address, bytes);
    }

    @Override
    public void unmap(long address, long bytes) {
        released(Action.SEGMENT_UNMAP, address, bytes);
    }

    private void released(Action action, long address, long bytes) {
        if (first != null) {
            return;
        }
        if (due.removeRelease(action, address, bytes)) {
            matched++;
            return;
        }
        diverge(
                here(),
                "nothing given back",
                action.name().toLowerCase(Locale.ROOT) + " of " + Bytes.format(bytes) + " at 0x"
                        + Long.toHexString(address));
    }

    @Override
    public long reserve(long bytes) {
        // Address space is reserved at the first try, which may find the device full; its first pages come after
        // releases.
        int event = first == null ? due.firstMap() : -1;
        return event >= 0 ? recording.address(event) : beyond.reserve(bytes);
    }

    @Override
    public boolean map(long address, long bytes) {
        if (first != null
                || dueAction() == Action.SEGMENT_MAP
                        && recording.address(due.first()) == address
                        && take(Action.SEGMENT_MAP, bytes)) {
            return true;
        }
        if (isFull()) {
            return false;
        }
        diverge(
                here(),
                due.isEmpty() ? "no new pages" : describe(due.first()),
                "segment_map of " + Bytes.format(bytes) + " at 0x" + Long.toHexString(address));
        return true;
    }

    @Override
    public long total() {
        return total;
    }
}

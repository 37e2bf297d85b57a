package io.headroom.trace;

import java.util.Arrays;

/**
 * The events a snapshot recorded for one device, in order, as PyTorch wrote them.
 *
 * <p>Thirty-four bytes an event. Frames are numbers into the {@link Snapshot}, the same number for equal stacks.
 *
 * <p>Immutable once read.
 */
public final class Recording {
    /** What was recorded; {@code OTHER} is an action unknown here, which a replay passes over. */
    public enum Action {
        ALLOC,
        FREE_REQUESTED,
        FREE_COMPLETED,
        SEGMENT_ALLOC,
        SEGMENT_FREE,
        SEGMENT_MAP,
        SEGMENT_UNMAP,
        OOM,
        SNAPSHOT,
        OTHER;

        static final Action[] ALL = values();

        static Action of(String name) {
            return switch (name) {
                case "alloc" -> ALLOC;
                case "free_requested" -> FREE_REQUESTED;
                case "free_completed", "free" -> FREE_COMPLETED;
                case "segment_alloc" -> SEGMENT_ALLOC;
                case "segment_free" -> SEGMENT_FREE;
                case "segment_map" -> SEGMENT_MAP;
                case "segment_unmap" -> SEGMENT_UNMAP;
                case "oom" -> OOM;
                case "snapshot" -> SNAPSHOT;
                default -> OTHER;
            };
        }
    }

    private byte[] actions = new byte[256];
    private long[] addresses = new long[256];
    private long[] sizes = new long[256];
    private int[] streams = new int[256];
    private int[] frames = new int[256];
    private long[] times = new long[256];
    private long[] streamHandles = {0};
    private int streamCount = 1;
    private int events;
    private boolean clock;

    Recording() {}

    void add(Action action, long address, long size, long stream, int frame, long time) {
        if (events == actions.length) {
            int longer = PickleStore.grown(events);
            actions = Arrays.copyOf(actions, longer);
            addresses = Arrays.copyOf(addresses, longer);
            sizes = Arrays.copyOf(sizes, longer);
            streams = Arrays.copyOf(streams, longer);
            frames = Arrays.copyOf(frames, longer);
            times = clock ? Arrays.copyOf(times, longer) : times;
        }
        if (time >= 0 && !clock) {
            clock = true;
            times = new long[actions.length];
            Arrays.fill(times, 0, events, -1);
        }
        actions[events] = (byte) action.ordinal();
        addresses[events] = address;
        sizes[events] = size;
        streams[events] = stream(stream);
        frames[events] = frame;
        if (clock) {
            times[events] = time;
        }
        events++;
    }

    private int stream(long handle) {
        for (int i = 0; i < streamCount; i++) {
            if (streamHandles[i] == handle) {
                return i;
            }
        }
        if (streamCount == 1 << 12) {
            return 0;
        }
        if (streamCount == streamHandles.length) {
            streamHandles = Arrays.copyOf(streamHandles, streamCount * 2);
        }
        streamHandles[streamCount] = handle;
        return streamCount++;
    }

    /** How many events were recorded (the newest, if the ring buffer was full). */
    public int events() {
        return events;
    }

    public Action action(int event) {
        return Action.ALL[actions[event]];
    }

    /** The address, or for an {@code OOM} the bytes the device had free. */
    public long address(int event) {
        return addresses[event];
    }

    /** Bytes: as asked for in allocations and frees, of the segment in segment events, rounded in an {@code OOM}. */
    public long size(int event) {
        return sizes[event];
    }

    /** The handle of the stream, 0 for the default one. */
    public long stream(int event) {
        return streamHandles[streams[event]];
    }

    /** The number of the stack that did it, 0 if none was recorded; see {@link Snapshot#frames(int)}. */
    public int frames(int event) {
        return frames[event];
    }

    /** Microseconds, −1 where not recorded (before 2.2). */
    public long timeMicros(int event) {
        return clock ? times[event] : -1;
    }
}

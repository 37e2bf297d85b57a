package io.headroom.trace;

import java.util.Arrays;

/**
 * The events a snapshot recorded for one device, in order, as PyTorch wrote them.
 *
 * <p>Thirty-one bytes an event. Frames are numbers into the {@link Snapshot}, the same number for equal stacks.
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

    private static final int CHUNK_BITS = 14;
    private static final int CHUNK = 1 << CHUNK_BITS;
    /** The first chunk begins small: a file may name many devices and have few events. */
    private static final int FIRST = 64;

    /** Columns of a stretch of events; chunks instead of one long array, so that growing copies nothing. */
    private static final class Chunk {
        byte[] actions;
        long[] addresses;
        long[] sizes;
        short[] streams;
        int[] frames;
        long[] times;

        Chunk(int length) {
            actions = new byte[length];
            addresses = new long[length];
            sizes = new long[length];
            streams = new short[length];
            frames = new int[length];
        }

        int length() {
            return actions.length;
        }

        void grow(int length) {
            actions = Arrays.copyOf(actions, length);
            addresses = Arrays.copyOf(addresses, length);
            sizes = Arrays.copyOf(sizes, length);
            streams = Arrays.copyOf(streams, length);
            frames = Arrays.copyOf(frames, length);
            times = times == null ? null : Arrays.copyOf(times, length);
        }
    }

    private Chunk[] chunks = new Chunk[4];
    private long[] streamHandles = {0};
    private int streamCount = 1;
    private int events;

    Recording() {}

    void add(Action action, long address, long size, long stream, int frame, long time) {
        int at = events & CHUNK - 1;
        if (at == 0) {
            int number = events >>> CHUNK_BITS;
            if (number == chunks.length) {
                chunks = Arrays.copyOf(chunks, number * 2);
            }
            chunks[number] = new Chunk(number == 0 ? FIRST : CHUNK);
        }
        Chunk chunk = chunks[events >>> CHUNK_BITS];
        if (at == chunk.length()) {
            chunk.grow(2 * at);
        }
        chunk.actions[at] = (byte) action.ordinal();
        chunk.addresses[at] = address;
        chunk.sizes[at] = size;
        chunk.streams[at] = (short) stream(stream);
        chunk.frames[at] = frame;
        if (time >= 0 && chunk.times == null) {
            chunk.times = new long[chunk.length()];
            Arrays.fill(chunk.times, -1);
        }
        if (chunk.times != null) {
            chunk.times[at] = time;
        }
        events++;
    }

    private Chunk chunk(int event) {
        if (event < 0 || event >= events) {
            throw new IndexOutOfBoundsException("event " + event + " of " + events);
        }
        return chunks[event >>> CHUNK_BITS];
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
        return Action.ALL[chunk(event).actions[event & CHUNK - 1]];
    }

    /** The address, or for an {@code OOM} the bytes the device had free. */
    public long address(int event) {
        return chunk(event).addresses[event & CHUNK - 1];
    }

    /** Bytes: as asked for in allocations and frees, of the segment in segment events, rounded in an {@code OOM}. */
    public long size(int event) {
        return chunk(event).sizes[event & CHUNK - 1];
    }

    /** The handle of the stream, 0 for the default one. */
    public long stream(int event) {
        return streamHandles[chunk(event).streams[event & CHUNK - 1]];
    }

    /** The number of the stack that did it, 0 if none was recorded; see {@link Snapshot#frames(int)}. */
    public int frames(int event) {
        return chunk(event).frames[event & CHUNK - 1];
    }

    /** Microseconds, −1 where not recorded (before 2.2). */
    public long timeMicros(int event) {
        long[] times = chunk(event).times;
        return times == null ? -1 : times[event & CHUNK - 1];
    }
}

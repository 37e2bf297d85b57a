package io.headroom.trace;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Ordered allocations and frees of one device, each with the operator and the phase that made it.
 *
 * <p>A trace is what an estimate of a step, a recorded PyTorch snapshot and a teaching example have in common. Events are
 * numbered from 0; allocations have ids of their own, also from 0, in the order they were made. Sizes are bytes as
 * asked for, before any rounding. Twenty-eight bytes an allocation, sixteen an event: a million events need some 40 MB.
 *
 * <pre>{@code
 * Trace.Builder step = Trace.builder();
 * step.phase("forward");
 * int scores = step.alloc(327_680_000, "attention");
 * step.phase("backward").free(scores);
 * step.build().peakLive();   // 327680000 bytes in forward, attention
 * }</pre>
 *
 * <p>Immutable and safe for any number of threads; a {@link Builder} belongs to one.
 */
public final class Trace {
    /** What an event does. {@code FREE} is both halves at once; the halves are apart where another stream still reads. */
    public enum Kind {
        ALLOC,
        FREE,
        FREE_REQUESTED,
        FREE_COMPLETED,
        RECORD_STREAM,
        EMPTY_CACHE,
        PHASE,
        MARK;

        static final Kind[] ALL = values();
    }

    /** The most bytes alive at once, the event that reached it (−1 in an empty trace), its phase and operator. */
    public record Peak(long bytes, int event, String phase, String operator) {}

    private final int device;
    private final int events;
    private final int allocations;
    private final long[] packed;
    private final long[] times;
    private final long[] bytes;
    private final int[] operators;
    private final int[] phases;
    private final int[] streams;
    private final long[] addresses;
    private final List<String> labels;
    private final long[] streamHandles;
    private final int skipped;

    private Trace(Builder builder) {
        device = builder.device;
        events = builder.events;
        allocations = builder.allocations;
        packed = Arrays.copyOf(builder.packed, events);
        times = builder.times == null ? null : Arrays.copyOf(builder.times, events);
        bytes = Arrays.copyOf(builder.bytes, allocations);
        operators = Arrays.copyOf(builder.operators, allocations);
        phases = Arrays.copyOf(builder.phases, allocations);
        streams = Arrays.copyOf(builder.streams, allocations);
        addresses = builder.addresses == null ? null : Arrays.copyOf(builder.addresses, allocations);
        skipped = builder.skipped;
        labels = builder.labels.values();
        streamHandles =
                builder.handles.values().stream().mapToLong(Long::longValue).toArray();
    }

    /** Starts an empty trace of device 0. */
    public static Builder builder() {
        return new Builder();
    }

    /** The index of the device whose memory this is. */
    public int device() {
        return device;
    }

    /** How many events there are, phases and marks included. */
    public int events() {
        return events;
    }

    /** How many allocations there are; ids run from 0 to one less. */
    public int allocations() {
        return allocations;
    }

    /** Recorded events left out: frees of an address that was not live at that moment. */
    public int skipped() {
        return skipped;
    }

    /** What event {@code event} does. */
    public Kind kind(int event) {
        return Kind.ALL[(int) (packed[event] >>> 60)];
    }

    /** The allocation an event makes, frees or uses; −1 for an event that concerns none. */
    public int allocation(int event) {
        return switch (kind(event)) {
            case EMPTY_CACHE, PHASE, MARK -> -1;
            default -> (int) packed[event];
        };
    }

    /** The text of a phase or mark event; empty for every other. */
    public String label(int event) {
        return switch (kind(event)) {
            case PHASE, MARK -> labels.get((int) packed[event]);
            default -> "";
        };
    }

    /** The stream (dense index) that a {@code RECORD_STREAM} event names, else that of the allocation. */
    public int streamOfEvent(int event) {
        return kind(event) == Kind.RECORD_STREAM ? (int) (packed[event] >>> 32) & 0xFFFFFFF : stream(allocation(event));
    }

    /** Microseconds of an event as recorded, or −1 where the trace has no clock. */
    public long timeMicros(int event) {
        return times == null ? -1 : times[event];
    }

    /** Bytes asked for by allocation {@code id}. */
    public long bytes(int id) {
        return bytes[id];
    }

    /** The operator that made allocation {@code id}; empty if unknown. */
    public String operator(int id) {
        return labels.get(operators[id]);
    }

    /** The phase in which allocation {@code id} was made; empty if unknown. */
    public String phase(int id) {
        return labels.get(phases[id]);
    }

    /** The stream of allocation {@code id} as a dense index from 0. */
    public int stream(int id) {
        return streams[id];
    }

    /** The handle behind a dense stream index, as the snapshot wrote it. */
    public long streamHandle(int stream) {
        return streamHandles[stream];
    }

    /** How many different streams occur. */
    public int streams() {
        return streamHandles.length;
    }

    /** The recorded address of allocation {@code id}, or 0 where the trace has none. */
    public long address(int id) {
        return addresses == null ? 0 : addresses[id];
    }

    /** The phase in force at event {@code event}; empty before the first. */
    public String phaseAt(int event) {
        for (int i = Math.min(event, events - 1); i >= 0; i--) {
            if (kind(i) == Kind.PHASE) {
                return label(i);
            }
        }
        return "";
    }

    /**
     * The largest sum of live bytes, as asked for: no rounding, no cache, no fragmentation.
     *
     * <p>An allocation lives from its event to its free (or to the moment the free was requested).
     */
    public Peak peakLive() {
        return LiveMemory.peak(this);
    }

    /** The allocations alive after event {@code event}, in the order they were made. */
    public int[] liveAt(int event) {
        return LiveMemory.at(this, event);
    }

    /** Live bytes after event {@code event} by operator, largest first. */
    public Map<String, Long> liveByOperator(int event) {
        return LiveMemory.byOperator(this, event);
    }

    /** "1200 events, 600 allocations, peak 1.20 GiB". */
    @Override
    public String toString() {
        return events + " events, " + allocations + " allocations, peak "
                + io.headroom.units.Bytes.format(peakLive().bytes());
    }

    /** Records events in order. Not safe for several threads. */
    public static final class Builder {
        private static final byte LIVE = 1;
        private static final byte REQUESTED = 2;
        private static final byte GONE = 3;

        private final Numbered<String> labels = new Numbered<>();
        private final Numbered<Long> handles = new Numbered<>();
        private int device;
        private int events;
        private int allocations;
        private int phase;
        private int skipped;
        private long now = -1;
        private long[] packed = new long[64];
        private long[] times;
        private long[] bytes = new long[64];
        private int[] operators = new int[64];
        private int[] phases = new int[64];
        private int[] streams = new int[64];
        private byte[] states = new byte[64];
        private long[] addresses;

        private Builder() {
            label("");
            handles.of(0L);
        }

        /** Says which device this is the memory of. */
        public Builder device(int index) {
            if (index < 0) {
                throw new IllegalArgumentException("device " + index + " must be 0 or more");
            }
            device = index;
            return this;
        }

        /** Everything from here on belongs to phase {@code name} ("forward", "backward", "optimizer step"). */
        public Builder phase(String name) {
            phase = label(name);
            add(Kind.PHASE, 0, phase);
            return this;
        }

        /** Puts a named point on the time axis ("step 3"). */
        public Builder mark(String name) {
            add(Kind.MARK, 0, label(name));
            return this;
        }

        /** Stamps the events that follow, in microseconds. */
        public Builder time(long micros) {
            if (times == null && micros >= 0) {
                times = new long[packed.length];
                Arrays.fill(times, 0, events, -1);
            }
            now = micros;
            return this;
        }

        /**
         * Allocates on the default stream.
         *
         * @return the allocation's id, for {@link #free}
         * @throws IllegalArgumentException if {@code bytes} is negative
         */
        public int alloc(long bytes, String operator) {
            return alloc(bytes, operator, 0);
        }

        /** Allocates on the stream with this handle; 0 is the default stream. */
        public int alloc(long size, String operator, long stream) {
            if (size < 0) {
                throw new IllegalArgumentException("an allocation of " + size + " bytes (operator \"" + operator
                        + "\"): a negative size is an overflow or a wrong shape");
            }
            int id = allocations;
            if (id == bytes.length) {
                int longer = grown(id);
                bytes = Arrays.copyOf(bytes, longer);
                operators = Arrays.copyOf(operators, longer);
                phases = Arrays.copyOf(phases, longer);
                streams = Arrays.copyOf(streams, longer);
                states = Arrays.copyOf(states, longer);
                addresses = addresses == null ? null : Arrays.copyOf(addresses, longer);
            }
            bytes[id] = size;
            operators[id] = label(operator);
            phases[id] = phase;
            streams[id] = stream == 0 ? 0 : handles.of(stream);
            states[id] = LIVE;
            allocations++;
            add(Kind.ALLOC, 0, id);
            return id;
        }

        /** Notes where the recording says allocation {@code id} lies. */
        public Builder address(int id, long address) {
            check(id);
            if (addresses == null) {
                addresses = new long[bytes.length];
            }
            addresses[id] = address;
            return this;
        }

        /**
         * Frees at once.
         *
         * @throws IllegalArgumentException if {@code id} was never allocated or is already freed
         */
        public Builder free(int id) {
            move(id, LIVE, GONE);
            add(Kind.FREE, 0, id);
            return this;
        }

        /** The owner is done, another stream may still read: the block stays active until {@link #freeCompleted}. */
        public Builder freeRequested(int id) {
            move(id, LIVE, REQUESTED);
            add(Kind.FREE_REQUESTED, 0, id);
            return this;
        }

        /** The last stream is done with a block whose free was requested. */
        public Builder freeCompleted(int id) {
            move(id, REQUESTED, GONE);
            add(Kind.FREE_COMPLETED, 0, id);
            return this;
        }

        /** Another stream reads allocation {@code id}: its free must wait for that stream. */
        public Builder recordStream(int id, long stream) {
            move(id, LIVE, LIVE);
            add(Kind.RECORD_STREAM, handles.of(stream), id);
            return this;
        }

        /** {@code torch.cuda.empty_cache()}. */
        public Builder emptyCache() {
            add(Kind.EMPTY_CACHE, 0, 0);
            return this;
        }

        /** Counts a recorded event that cannot be kept. */
        Builder skip() {
            skipped++;
            return this;
        }

        /** How many events were recorded so far. */
        public int events() {
            return events;
        }

        /** Whether allocation {@code id} is live: neither freed nor asked to be. */
        public boolean isLive(int id) {
            return id >= 0 && id < allocations && states[id] == LIVE;
        }

        /** The trace so far; the builder may go on. */
        public Trace build() {
            return new Trace(this);
        }

        private void move(int id, byte from, byte to) {
            check(id);
            if (states[id] != from) {
                throw new IllegalArgumentException("allocation " + id + " (" + bytes[id] + " bytes, operator \""
                        + labels.get(operators[id]) + "\") is "
                        + (states[id] == LIVE
                                ? "still live"
                                : states[id] == GONE ? "freed already" : "waiting for its free"));
            }
            states[id] = to;
        }

        private void check(int id) {
            if (id < 0 || id >= allocations) {
                throw new IllegalArgumentException(
                        "allocation " + id + " is unknown: ids so far are 0 to " + (allocations - 1));
            }
        }

        private void add(Kind kind, int detail, int target) {
            if (events == packed.length) {
                int longer = grown(events);
                packed = Arrays.copyOf(packed, longer);
                times = times == null ? null : Arrays.copyOf(times, longer);
            }
            packed[events] = (long) kind.ordinal() << 60 | (long) detail << 32 | target & 0xFFFFFFFFL;
            if (times != null) {
                times[events] = now;
            }
            events++;
        }

        private int label(String text) {
            return labels.of(text == null ? "" : text);
        }

        private static int grown(int length) {
            return (int) Math.min((long) length + (length >> 1) + 16, Integer.MAX_VALUE - 8);
        }
    }
}

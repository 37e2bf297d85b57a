package io.headroom.trace;

import io.headroom.trace.Trace.Kind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntToLongFunction;

/** Changes a trace as a change of the program would: the cache emptied between steps, a smaller batch. Stateless. */
public final class TraceEdits {
    private static final double HIGH = 0.5;
    private static final double LOW = 0.15;

    private TraceEdits() {}

    /**
     * The events after which live memory is lowest between two rises: where one step ends and the next has not begun.
     *
     * <p>A rise is above half of the way between the least and the most live bytes after the first peak, a valley within
     * its lowest 15 %. Empty for a trace without steps.
     */
    public static int[] valleys(Trace trace) {
        long[] live = LiveMemory.bytes(trace);
        int first = 0;
        long most = 0;
        for (int event = 0; event < live.length; event++) {
            if (live[event] > most) {
                most = live[event];
            }
        }
        while (first < live.length && live[first] < most * HIGH) {
            first++;
        }
        long least = Long.MAX_VALUE;
        for (int event = first; event < live.length; event++) {
            least = Math.min(least, live[event]);
        }
        List<Integer> valleys = new ArrayList<>();
        boolean risen = true;
        int lowest = -1;
        for (int event = first; event < live.length; event++) {
            double height = most == least ? 1 : (double) (live[event] - least) / (most - least);
            if (height > HIGH) {
                if (!risen && lowest >= 0) {
                    valleys.add(lowest);
                }
                risen = true;
                lowest = -1;
            } else if (height < LOW) {
                risen = false;
                lowest = lowest < 0 || live[event] <= live[lowest] ? event : lowest;
            }
        }
        return valleys.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The trace with the cache emptied after each of these events, ascending. */
    public static Trace emptyingCache(Trace trace, int[] after) {
        BitSet places = new BitSet();
        for (int event : after) {
            places.set(event);
        }
        return copy(trace, trace::bytes, places);
    }

    /** The events after which another phase begins: epochs' ends where a trace names its epochs. */
    public static int[] phaseEnds(Trace trace) {
        List<Integer> ends = new ArrayList<>();
        boolean within = false;
        for (int event = 0; event < trace.events(); event++) {
            boolean begins = trace.kind(event) == Kind.PHASE && isOfProgram(trace.label(event));
            if (begins && within && event > 0) {
                ends.add(event - 1);
            }
            within |= begins;
        }
        return ends.stream().mapToInt(Integer::intValue).toArray();
    }

    /** What begins with a recording is no phase of the program. */
    private static boolean isOfProgram(String phase) {
        return !phase.equals(Snapshot.BEFORE) && !phase.equals(Snapshot.RECORDED);
    }

    /**
     * The trace with everything halved that is made and freed within one step, between two valleys.
     *
     * <p>An approximation of half the batch: gradients freed within the step are halved too, workspaces as well.
     *
     * @throws IllegalArgumentException if the trace has no steps
     */
    public static Trace halfBatch(Trace trace) {
        int[] valleys = valleys(trace);
        if (valleys.length == 0) {
            throw new IllegalArgumentException("the trace has no steps: its live memory does not rise and fall");
        }
        int[] step = new int[trace.allocations()];
        BitSet transients = new BitSet();
        int now = 0;
        for (int event = 0; event < trace.events(); event++) {
            int id = trace.allocation(event);
            if (id >= 0 && trace.kind(event) == Kind.ALLOC) {
                step[id] = trace.phase(id).equals(Snapshot.BEFORE) ? -1 : now;
            } else if (id >= 0 && trace.kind(event) != Kind.RECORD_STREAM && step[id] == now) {
                transients.set(id);
            }
            while (now < valleys.length && valleys[now] <= event) {
                now++;
            }
        }
        return copy(
                trace,
                id -> transients.get(id) ? trace.bytes(id) - trace.bytes(id) / 2 : trace.bytes(id),
                new BitSet());
    }

    private static Trace copy(Trace trace, IntToLongFunction bytes, BitSet emptyAfter) {
        Trace.Builder copy = Trace.builder().device(trace.device());
        for (int event = 0; event < trace.events(); event++) {
            int id = trace.allocation(event);
            copy.time(trace.timeMicros(event));
            switch (trace.kind(event)) {
                case ALLOC -> {
                    int same =
                            copy.alloc(bytes.applyAsLong(id), trace.operator(id), trace.streamHandle(trace.stream(id)));
                    if (trace.address(id) != 0) {
                        copy.address(same, trace.address(id));
                    }
                }
                case FREE -> copy.free(id);
                case FREE_REQUESTED -> copy.freeRequested(id);
                case FREE_COMPLETED -> copy.freeCompleted(id);
                case RECORD_STREAM -> copy.recordStream(id, trace.streamHandle(trace.streamOfEvent(event)));
                case PHASE -> copy.phase(trace.label(event));
                case MARK -> copy.mark(trace.label(event));
                case EMPTY_CACHE -> copy.emptyCache();
            }
            if (emptyAfter.get(event)) {
                copy.emptyCache();
            }
        }
        return copy.build();
    }
}

package io.headroom.workload.step;

import java.util.EnumMap;
import java.util.Map;

/** Follows what is alive and remembers the moment of the highest sum. */
public final class PeakListener implements StepListener {
    private static final int KINDS = Kind.values().length;

    private final long[] live = new long[KINDS];
    private final long[] atPeak = new long[KINDS];
    private final long[] highest = new long[KINDS];
    private final long[] byPhase = new long[Phase.values().length];
    private final long roundAbove;
    private final long page;
    private long sum;
    private long peak;
    private Phase phase = Phase.LOAD;
    private String operator = "load";

    /** Counts bytes as requested. */
    public PeakListener() {
        this(Long.MAX_VALUE, 1);
    }

    /** Counts blocks above a size in whole pages, as a block that glibc maps on its own takes them. */
    public PeakListener(long roundAbove, long page) {
        this.roundAbove = roundAbove;
        this.page = page;
    }

    @Override
    public void allocated(long id, long bytes, Kind kind, Phase at, String by) {
        int k = kind.ordinal();
        live[k] += rounded(bytes);
        sum += rounded(bytes);
        if (sum < 0) {
            throw new ArithmeticException("all tensors together are more than 2^63 bytes: make a size smaller.");
        }
        if (live[k] > highest[k]) {
            highest[k] = live[k];
        }
        noteIn(at);
        if (sum > peak) {
            peak = sum;
            phase = at;
            operator = by;
            System.arraycopy(live, 0, atPeak, 0, KINDS);
        }
    }

    @Override
    public void freed(long id, long bytes, Kind kind, Phase at, String by) {
        noteIn(at);
        live[kind.ordinal()] -= rounded(bytes);
        sum -= rounded(bytes);
    }

    private void noteIn(Phase at) {
        if (sum > byPhase[at.ordinal()]) {
            byPhase[at.ordinal()] = sum;
        }
    }

    @Override
    public boolean wantsRepeats() {
        return false;
    }

    private long rounded(long bytes) {
        return bytes < roundAbove ? bytes : (bytes + 2 * page - 1) / page * page;
    }

    public long peakBytes() {
        return peak;
    }

    public Phase phase() {
        return phase;
    }

    public String operator() {
        return operator;
    }

    /** The highest sum while each phase ran, in their order; without those that did not run. */
    public Map<Phase, Long> byPhase() {
        Map<Phase, Long> map = new EnumMap<>(Phase.class);
        for (Phase each : Phase.values()) {
            if (byPhase[each.ordinal()] > 0) {
                map.put(each, byPhase[each.ordinal()]);
            }
        }
        return map;
    }

    /** What the peak consists of. */
    public Map<Kind, Long> atPeak() {
        return byKind(atPeak);
    }

    /** The highest that each kind reached, at whatever moment. */
    public Map<Kind, Long> highest() {
        return byKind(highest);
    }

    private static Map<Kind, Long> byKind(long[] bytes) {
        Map<Kind, Long> map = new EnumMap<>(Kind.class);
        for (Kind kind : Kind.values()) {
            map.put(kind, bytes[kind.ordinal()]);
        }
        return map;
    }
}

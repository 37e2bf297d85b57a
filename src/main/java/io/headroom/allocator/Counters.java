package io.headroom.allocator;

import io.headroom.allocator.Statistics.Statistic;
import io.headroom.allocator.Statistics.Values;

/** The running statistics: for each figure now, peak, sum up and sum down, for the device and its two pools. */
final class Counters {
    static final int ALLOCATION = 0;
    static final int ALLOCATED_BYTES = 1;
    static final int REQUESTED_BYTES = 2;
    static final int ACTIVE = 3;
    static final int ACTIVE_BYTES = 4;
    static final int SEGMENT = 5;
    static final int RESERVED_BYTES = 6;
    static final int INACTIVE_SPLIT = 7;
    static final int INACTIVE_SPLIT_BYTES = 8;
    static final int OVERSIZE_ALLOCATIONS = 9;
    static final int OVERSIZE_SEGMENTS = 10;
    private static final int FIGURES = 11;

    private final long[] now = new long[FIGURES * 3];
    private final long[] peak = new long[FIGURES * 3];
    private final long[] up = new long[FIGURES * 3];

    long retries;
    long ooms;
    long synchronizations;
    long deviceAllocs;
    long deviceFrees;

    long current(int figure) {
        return now[figure * 3];
    }

    long peak(int figure) {
        return peak[figure * 3];
    }

    void more(int figure, int pool, long amount) {
        raise(figure * 3, amount);
        raise(figure * 3 + 1 + pool, amount);
    }

    void less(int figure, int pool, long amount) {
        int all = figure * 3;
        now[all] -= amount;
        now[all + 1 + pool] -= amount;
    }

    void change(int figure, int pool, long amount) {
        if (amount > 0) {
            more(figure, pool, amount);
        } else if (amount < 0) {
            less(figure, pool, -amount);
        }
    }

    private void raise(int at, long amount) {
        long value = now[at] + amount;
        now[at] = value;
        up[at] += amount;
        if (value > peak[at]) {
            peak[at] = value;
        }
    }

    /** Peaks start again from now; sums from zero are kept. */
    void resetPeaks() {
        System.arraycopy(now, 0, peak, 0, now.length);
    }

    Statistics statistics() {
        return new Statistics(
                statistic(ALLOCATION),
                statistic(ALLOCATED_BYTES),
                statistic(REQUESTED_BYTES),
                statistic(ACTIVE),
                statistic(ACTIVE_BYTES),
                statistic(SEGMENT),
                statistic(RESERVED_BYTES),
                statistic(INACTIVE_SPLIT),
                statistic(INACTIVE_SPLIT_BYTES),
                statistic(OVERSIZE_ALLOCATIONS),
                statistic(OVERSIZE_SEGMENTS),
                retries,
                ooms,
                synchronizations,
                deviceAllocs,
                deviceFrees);
    }

    private Statistic statistic(int figure) {
        return new Statistic(values(figure * 3), values(figure * 3 + 1), values(figure * 3 + 2));
    }

    private Values values(int at) {
        return new Values(now[at], peak[at], up[at], up[at] - now[at]);
    }
}

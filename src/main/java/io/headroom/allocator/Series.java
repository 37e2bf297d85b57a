package io.headroom.allocator;

import java.util.Arrays;

/**
 * Allocated, active and reserved bytes over the events of a replay, thinned to at most {@value #MOST} points.
 *
 * <p>Each point stands for a stretch of events and holds the maximum within, so no peak is lost.
 */
public final class Series {
    /** At most this many points are kept. */
    public static final int MOST = 2048;

    private final long[] allocated = new long[MOST];
    private final long[] active = new long[MOST];
    private final long[] reserved = new long[MOST];
    private int points;
    private int stride = 1;
    private int inLast;
    private int events;

    Series() {}

    void add(long allocatedNow, long activeNow, long reservedNow) {
        if (inLast == 0) {
            if (points == MOST) {
                halve();
            }
            if (inLast == 0) {
                points++;
            }
        }
        int at = points - 1;
        allocated[at] = Math.max(allocated[at], allocatedNow);
        active[at] = Math.max(active[at], activeNow);
        reserved[at] = Math.max(reserved[at], reservedNow);
        inLast = inLast + 1 == stride ? 0 : inLast + 1;
        events++;
    }

    private void halve() {
        for (int i = 0; i < MOST / 2; i++) {
            allocated[i] = Math.max(allocated[2 * i], allocated[2 * i + 1]);
            active[i] = Math.max(active[2 * i], active[2 * i + 1]);
            reserved[i] = Math.max(reserved[2 * i], reserved[2 * i + 1]);
        }
        points = MOST / 2;
        Arrays.fill(allocated, points, MOST, 0);
        Arrays.fill(active, points, MOST, 0);
        Arrays.fill(reserved, points, MOST, 0);
        stride *= 2;
    }

    /** How many points there are. */
    public int points() {
        return points;
    }

    /** The first event a point stands for. */
    public int event(int point) {
        return point * stride;
    }

    /** How many events went in. */
    public int events() {
        return events;
    }

    /** Most bytes handed out within a point. */
    public long allocated(int point) {
        return allocated[point];
    }

    /** Most bytes handed out or waiting for a stream within a point. */
    public long active(int point) {
        return active[point];
    }

    /** Most bytes held from the device within a point. */
    public long reserved(int point) {
        return reserved[point];
    }
}

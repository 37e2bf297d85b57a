package io.headroom.allocator;

import io.headroom.trace.Trace;

/** Searches the smallest card on which a trace comes to its end, by replays. */
final class SmallestLimit {
    private static final int MOST_STEPS = 12;

    private final Trace trace;
    private final AllocatorSettings settings;

    SmallestLimit(Trace trace, AllocatorSettings settings) {
        this.trace = trace;
        this.settings = settings;
    }

    /** To 2 MiB or a thousandth; what is answered was replayed and survived. */
    long search() {
        Footprint free = CachingAllocator.replay(trace, settings, CachingAllocator.UNLIMITED);
        long high = Math.max(free.peakReserved().bytes(), Rounding.ROUND_LARGE);
        // Under a memory fraction a part of the limit is out of reach, so the peak itself need not be enough.
        for (int step = 0; step < MOST_STEPS && !survives(high); step++) {
            high += high / 8;
        }
        long low = Math.min(free.peakAllocated().bytes(), high) - 1;
        long close = Math.max(Rounding.ROUND_LARGE, high / 1000);
        for (int step = 0; step < MOST_STEPS && high - low > close; step++) {
            long middle = low + (high - low) / 2;
            if (survives(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }

    private boolean survives(long limit) {
        return CachingAllocator.replay(trace, settings, limit).survives();
    }
}

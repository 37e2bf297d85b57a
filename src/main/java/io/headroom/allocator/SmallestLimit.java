package io.headroom.allocator;

import io.headroom.trace.Trace;
import java.util.OptionalLong;

/** Searches the smallest card on which a trace comes to its end, by replays. */
final class SmallestLimit {
    private static final int MOST_STEPS = 12;

    /** No device has as much, and its ninth eighths to the twelfth are a number still. */
    private static final double MOST = Long.MAX_VALUE / 8.0;

    private final Trace trace;
    private final AllocatorSettings settings;

    SmallestLimit(Trace trace, AllocatorSettings settings) {
        this.trace = trace;
        this.settings = settings;
    }

    /** To 2 MiB or a thousandth; what is answered was replayed and survived. Empty if no limit is enough. */
    OptionalLong search() {
        Footprint free = CachingAllocator.replay(trace, settings, CachingAllocator.UNLIMITED);
        // Under a memory fraction a part of the limit is out of reach.
        double share = Math.min(settings.memoryFraction(), 1);
        double start = Math.ceil(Math.max(free.peakReserved().bytes(), Rounding.ROUND_LARGE) / share);
        if (!free.survives() || !(start < MOST)) {
            return OptionalLong.empty();
        }
        long high = (long) start;
        boolean enough = survives(high);
        for (int step = 0; step < MOST_STEPS && !enough; step++) {
            high += high / 8;
            enough = survives(high);
        }
        if (!enough) {
            return OptionalLong.empty();
        }
        long low = Math.min((long) (free.peakAllocated().bytes() / share), high) - 1;
        long close = Math.max(Rounding.ROUND_LARGE, high / 1000);
        for (int step = 0; step < MOST_STEPS && high - low > close; step++) {
            long middle = low + (high - low) / 2;
            if (survives(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return OptionalLong.of(high);
    }

    private boolean survives(long limit) {
        return CachingAllocator.replay(trace, settings, limit).survives();
    }
}

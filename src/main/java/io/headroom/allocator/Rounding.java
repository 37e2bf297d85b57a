package io.headroom.allocator;

import io.headroom.units.Bytes;

/** How a request becomes a block size and, where no block fits, a segment size. */
final class Rounding {
    static final long MIN_BLOCK = 512;
    static final long SMALL_SIZE = Bytes.MIB;
    static final long SMALL_SEGMENT = 2 * Bytes.MIB;
    static final long MIN_LARGE = 10 * Bytes.MIB;
    static final long ROUND_LARGE = 2 * Bytes.MIB;

    /** Above this PyTorch refuses at once: "Tried to allocate more than 1EB memory". */
    static final long ONE_EIB = 1L << 60;

    private final int[] divisions = new int[AllocatorSettings.INTERVALS];
    private final boolean power2;
    private final long largeSegment;

    Rounding(AllocatorSettings settings) {
        boolean any = false;
        for (int i = 0; i < divisions.length; i++) {
            divisions[i] = settings.roundupPower2Divisions().get(i);
            any |= divisions[i] > 1;
        }
        power2 = any;
        largeSegment = settings.largeSegmentSize();
    }

    long block(long requested) {
        if (requested < MIN_BLOCK) {
            return MIN_BLOCK;
        }
        if (requested > ONE_EIB) {
            return requested;
        }
        if (power2) {
            int floor = 63 - Long.numberOfLeadingZeros(requested);
            int division = divisions[Math.min(Math.max(floor - 20, 0), divisions.length - 1)];
            if (division > 1 && requested > MIN_BLOCK * division) {
                return powerOfTwo(requested, 1L << floor, division);
            }
        }
        return (requested + MIN_BLOCK - 1) & -MIN_BLOCK;
    }

    private static long powerOfTwo(long requested, long floor, int division) {
        if (requested == floor) {
            return requested;
        }
        long step = floor >> (31 - Integer.numberOfLeadingZeros(division));
        if (step == 0) {
            return floor << 1;
        }
        long lower = requested & -step;
        return lower == requested ? requested : lower + step;
    }

    long segment(long block) {
        if (block <= SMALL_SIZE) {
            return SMALL_SEGMENT;
        }
        if (block < MIN_LARGE) {
            return largeSegment;
        }
        if (block > ONE_EIB) {
            return block;
        }
        return (block + ROUND_LARGE - 1) / ROUND_LARGE * ROUND_LARGE;
    }
}

package io.headroom.diagnosis;

import io.headroom.oom.Size;
import io.headroom.units.Bytes;

/** Which limits PyTorch sets by itself on a Mac: 1.7 times what macOS recommends for the memory built in. */
final class Mac {
    private static final double DEFAULT_RATIO = 1.7;
    private static final double[] GIB = {4, 6, 8, 12, 16, 18, 24, 32, 36, 48, 64, 96, 128, 192, 256, 512};
    /** macOS recommends 2/3 of the memory up to 32 GiB, 3/4 above, a little less since 15, all of a Radeon's own. */
    private static final double[] SHARES = {2 / 3.0, 0.74, 0.75, 0.996, 1.0};

    private Mac() {}

    static boolean isDefaultWatermark(Size allowed) {
        for (double memory : GIB) {
            for (double share : SHARES) {
                double limit = DEFAULT_RATIO * share * memory * Bytes.GIB;
                if (Math.abs(limit - allowed.bytes()) < 0.006 * limit) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The memory of the Mac with this default limit, 0 if it is none. */
    static long memory(Size allowed) {
        for (double memory : GIB) {
            for (double share : new double[] {2 / 3.0, 0.74, 0.75}) {
                double limit = DEFAULT_RATIO * share * memory * Bytes.GIB;
                if (memory >= 8 && Math.abs(limit - allowed.bytes()) < 0.006 * limit) {
                    return (long) (memory * Bytes.GIB);
                }
            }
        }
        return 0;
    }
}

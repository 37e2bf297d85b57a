package io.headroom.allocator;

import io.headroom.trace.Trace.Peak;
import io.headroom.units.Bytes;
import java.util.Optional;

/**
 * What a trace leaves in an allocator: the peaks with their moments, whether it survived, the statistics.
 *
 * @param limit bytes of the device, {@link CachingAllocator#UNLIMITED} for none
 * @param events how many events were replayed: all, or up to and with the one that failed
 * @param peakAllocated most bytes handed out, with event, phase and operator
 * @param peakReserved most bytes taken from the device: what the run needs besides the CUDA context
 * @param unallocatedAtPeak reserved minus allocated when reserved first reached its peak
 * @param oom the request that failed, if one did
 */
public record Footprint(
        AllocatorSettings settings,
        long limit,
        int events,
        Peak peakAllocated,
        Peak peakReserved,
        long unallocatedAtPeak,
        Optional<OomPoint> oom,
        Statistics statistics,
        Series series) {
    /** Whether the run came to its end. */
    public boolean survives() {
        return oom.isEmpty();
    }

    /** Share of the peak that was reserved but not allocated, 0 to 1; at the failure, if it failed. */
    public double fragmentation() {
        if (oom.isPresent()) {
            OomPoint point = oom.get();
            return point.reserved() == 0 ? 0 : (double) point.unallocated() / point.reserved();
        }
        return peakReserved.bytes() == 0 ? 0 : (double) unallocatedAtPeak / peakReserved.bytes();
    }

    /** "(default): survives, peak allocated 1.00 GiB, reserved 1.20 GiB, 0 retries". */
    @Override
    public String toString() {
        return settings + ": "
                + oom.map(point -> "out of memory at event " + point.event() + " (" + Bytes.format(point.requested())
                                + ")")
                        .orElse("survives")
                + ", peak allocated " + Bytes.format(peakAllocated.bytes()) + ", reserved "
                + Bytes.format(peakReserved.bytes()) + ", " + statistics.numAllocRetries()
                + (statistics.numAllocRetries() == 1 ? " retry" : " retries");
    }
}

package io.headroom.allocator;

import io.headroom.units.Bytes;

/**
 * What {@code torch.cuda.memory_stats()} would report, under the same names.
 *
 * <p>{@code allocatedBytes} counts whole blocks handed out (rounding and unsplit slack included), {@code requestedBytes}
 * what was asked for, {@code activeBytes} also blocks freed but still waiting for another stream, {@code reservedBytes}
 * what the driver gave, {@code inactiveSplitBytes} the holes: free blocks in partly used segments, which the driver
 * cannot take back. Expandable segments count no {@code segment} and no {@code inactiveSplit}, as in PyTorch.
 */
public record Statistics(
        Statistic allocation,
        Statistic allocatedBytes,
        Statistic requestedBytes,
        Statistic active,
        Statistic activeBytes,
        Statistic segment,
        Statistic reservedBytes,
        Statistic inactiveSplit,
        Statistic inactiveSplitBytes,
        Statistic oversizeAllocations,
        Statistic oversizeSegments,
        long numAllocRetries,
        long numOoms,
        long numSyncAllStreams,
        long numDeviceAlloc,
        long numDeviceFree) {
    /** One figure for the whole device and for its small and large pool. */
    public record Statistic(Values all, Values smallPool, Values largePool) {
        /** {@code all().current()}. */
        public long current() {
            return all.current();
        }

        /** {@code all().peak()}. */
        public long peak() {
            return all.peak();
        }
    }

    /** Now, at most so far, and the sums of all increases and all decreases. */
    public record Values(long current, long peak, long allocated, long freed) {}

    /** Free bytes inside what PyTorch reserved: reserved minus active. */
    public long cachedBytes() {
        return reservedBytes.current() - activeBytes.current();
    }

    /** "allocated 1.00 GiB, reserved 1.20 GiB (peak 1.40 GiB), holes 12.00 MiB, 0 retries". */
    @Override
    public String toString() {
        return "allocated " + Bytes.format(allocatedBytes.current()) + ", reserved "
                + Bytes.format(reservedBytes.current()) + " (peak " + Bytes.format(reservedBytes.peak()) + "), holes "
                + Bytes.format(inactiveSplitBytes.current()) + ", " + numAllocRetries
                + (numAllocRetries == 1 ? " retry" : " retries");
    }
}

package io.headroom.allocator;

import io.headroom.units.Bytes;

/**
 * The moment a device was out of memory.
 *
 * @param event the event that failed
 * @param requested bytes asked for; {@code tried} is the segment PyTorch's message names
 * @param allocated bytes in live blocks
 * @param reserved bytes held from the device, after everything cached was given back
 * @param free bytes PyTorch could still have taken: what the device had left, or a cap on the process
 * @param largestHole the largest free block of the pool and stream that asked, in bytes
 */
public record OomPoint(
        int event,
        long requested,
        long tried,
        long allocated,
        long reserved,
        long free,
        long largestHole,
        String phase,
        String operator) {
    /** Reserved but not allocated: the holes. */
    public long unallocated() {
        return reserved - allocated;
    }

    /** Whether free and unallocated bytes together would have been enough: fragmentation, not capacity. */
    public boolean isFragmentation() {
        return requested <= Rounding.ONE_EIB && unallocated() > 0 && free >= requested - unallocated();
    }

    /** "tried 20.00 MiB (a segment for 8.90 MiB) with 3.84 GiB free and 3.56 GiB in holes, the largest 1.20 GiB". */
    @Override
    public String toString() {
        String segment = Bytes.format(tried);
        String asked = Bytes.format(requested);
        return "tried " + segment + (asked.equals(segment) ? "" : " (a segment for " + asked + ")") + " with "
                + Bytes.format(free) + " free and " + Bytes.format(unallocated()) + " in holes, the largest "
                + Bytes.format(largestHole);
    }
}

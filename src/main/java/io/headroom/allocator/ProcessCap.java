package io.headroom.allocator;

import io.headroom.trace.Snapshot;
import io.headroom.units.Bytes;
import java.util.Optional;

/**
 * A recorded request was refused though the device had room: a cap on the process, not the card.
 *
 * <p>A full card may refuse with a little room left: under expandable segments it is asked for whole pages.
 * {@code torch.cuda.set_per_process_memory_fraction} leaves no other trace in a snapshot. What PyTorch held before shows
 * how much the cap allows at least, the request that failed how much it allows at most.
 *
 * @param least bytes the cap allows at least: the most that was reserved
 * @param most bytes it allows at most: reserved at the failure and the segment (or pages), less one byte
 * @param free bytes the device had free
 * @param tried bytes of the segment that was refused
 */
public record ProcessCap(long least, long most, long free, long tried) {
    static Optional<ProcessCap> of(Snapshot snapshot, int device, AllocatorSettings settings) {
        Rounding rounding = new Rounding(settings);
        boolean growing = settings.expandableSegments()
                || snapshot.segments(device).stream().anyMatch(Snapshot.Segment::expandable);
        return snapshot.failure(device).flatMap(failure -> {
            long tried = rounding.segment(Math.max(failure.size(), 1));
            long most = tried <= Rounding.ONE_EIB
                    ? Math.max(tried, failure.size() + page(failure.size(), growing, settings))
                    : tried;
            long least = Math.max(failure.mostReserved(), failure.reserved());
            boolean capped = failure.free() >= most && least > 0 && tried <= Rounding.ONE_EIB;
            return capped
                    ? Optional.of(new ProcessCap(
                            least, Math.max(least, failure.reserved() + most - 1), failure.free(), tried))
                    : Optional.empty();
        });
    }

    // Expandable segments ask for whole pages: up to one page more than what is missing.
    private static long page(long block, boolean growing, AllocatorSettings settings) {
        long page = block <= Rounding.SMALL_SIZE ? Rounding.SMALL_SEGMENT : settings.largeSegmentSize();
        return growing ? page : 0;
    }

    /** "the device had 40.00 GiB free when 2.00 GiB were refused: a cap of 30.00 GiB to 32.00 GiB …". */
    @Override
    public String toString() {
        return "the device had " + Bytes.format(free) + " free when " + Bytes.format(tried)
                + " were refused: a cap on the process (set_per_process_memory_fraction) of " + Bytes.format(least)
                + " to " + Bytes.format(most);
    }
}

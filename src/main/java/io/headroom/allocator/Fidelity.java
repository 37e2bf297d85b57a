package io.headroom.allocator;

import io.headroom.trace.Snapshot;
import io.headroom.units.Bytes;
import java.util.Optional;

/**
 * How a replay of a snapshot under its own settings compares with what was recorded.
 *
 * <p>Every allocation must land at the recorded address, every segment must come and go when the recording says so. The
 * first place where the two part is kept; after it addresses no longer match and only the sums are compared.
 *
 * @param device the device compared
 * @param allocations how many allocations were compared, all of them if nothing diverges
 * @param segmentEvents how many segment events matched
 * @param first the first divergence, if there is one
 */
public record Fidelity(
        int device,
        int allocations,
        int segmentEvents,
        Optional<Divergence> first,
        long reserved,
        long recordedReserved,
        long allocated,
        long recordedAllocated) {
    /** Where replay and recording part: the recorded event's number, what it says, what the replay did. */
    public record Divergence(int event, String recorded, String replayed) {
        /** "event 17: recorded segment_alloc of 20.00 MiB, replayed a cached block". */
        @Override
        public String toString() {
            return "event " + event + ": recorded " + recorded + ", replayed " + replayed;
        }
    }

    /** Replays one device of a snapshot; {@code total} are the bytes of the card, needed only under a memory fraction. */
    public static Fidelity of(Snapshot snapshot, int device, AllocatorSettings settings, long total) {
        return new RecordedReplay(snapshot, device, settings, total).compare();
    }

    /** Whether nothing parts and the sums at the end agree to the byte. */
    public boolean isExact() {
        return first.isEmpty() && reserved == recordedReserved && allocated == recordedAllocated;
    }

    /** "412 allocations and 31 segment events as recorded; reserved 1.20 GiB, allocated 900.00 MiB at the end". */
    @Override
    public String toString() {
        return first.map(divergence -> "parts at " + divergence + "; before that ")
                        .orElse("")
                + allocations + " allocations and " + segmentEvents + " segment events as recorded; reserved "
                + Bytes.format(reserved)
                + (reserved == recordedReserved ? "" : " (recorded " + Bytes.format(recordedReserved) + ")")
                + ", allocated " + Bytes.format(allocated)
                + (allocated == recordedAllocated ? "" : " (recorded " + Bytes.format(recordedAllocated) + ")")
                + " at the end";
    }
}

package io.headroom.allocator;

import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Optional;

/**
 * The largest free block when a device was out of memory, and who keeps it from growing.
 *
 * @param requested bytes asked for
 * @param size bytes of the largest hole, 0 if there is none
 * @param segment the segment around it
 * @param before who holds the block in front of it: bytes, operator, phase
 * @param after who holds the block behind it
 */
public record Hole(
        long requested, long size, Optional<Segment> segment, Optional<Holder> before, Optional<Holder> after) {
    /** A live block beside the hole. */
    public record Holder(long bytes, String operator, String phase) {
        /** "10.00 MiB of gelu (epoch 3)". */
        @Override
        public String toString() {
            return Bytes.format(bytes)
                    + (operator.isEmpty() ? "" : " of " + operator)
                    + (phase.isEmpty() ? "" : " (" + phase + ")");
        }
    }

    /** Looks for it in segments of the pool and stream that asked. */
    static Hole of(List<Segment> segments, Trace trace, long requested, int stream, boolean large) {
        Segment around = null;
        int at = -1;
        long most = 0;
        for (Segment segment : segments) {
            if (segment.stream() == stream && segment.large() == large) {
                for (int i = 0; i < segment.blocks().size(); i++) {
                    Segment.Block block = segment.blocks().get(i);
                    if (block.state() == Segment.State.INACTIVE && block.size() > most) {
                        around = segment;
                        at = i;
                        most = block.size();
                    }
                }
            }
        }
        return new Hole(
                requested,
                most,
                Optional.ofNullable(around),
                holder(around, at - 1, trace),
                holder(around, at + 1, trace));
    }

    private static Optional<Holder> holder(Segment segment, int at, Trace trace) {
        if (segment == null || at < 0 || at >= segment.blocks().size()) {
            return Optional.empty();
        }
        Segment.Block block = segment.blocks().get(at);
        int id = block.allocation();
        return Optional.of(new Holder(block.size(), id < 0 ? "" : trace.operator(id), id < 0 ? "" : trace.phase(id)));
    }

    /** "the largest hole has 50.00 MiB, 60.00 MiB were asked for; in front of it 10.00 MiB of gelu; behind it …". */
    @Override
    public String toString() {
        if (segment.isEmpty()) {
            return "no block of the pool and stream that asked is free: everything they have is in use";
        }
        String edge = "of its segment of " + Bytes.format(segment.get().size());
        return "the largest hole has " + Bytes.format(size) + ", " + Bytes.format(requested)
                + " were asked for; in front of it "
                + before.map(Holder::toString).orElse("the start " + edge) + "; behind it "
                + after.map(Holder::toString).orElse("the end " + edge);
    }
}

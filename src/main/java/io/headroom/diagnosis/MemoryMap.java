package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Size;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where the memory was when the request failed, in the order to draw it.
 *
 * @param whole what it is drawn against, bytes
 * @param wholeName {@code "GPU 0"}, {@code "max allowed"}
 * @param parts what takes it; they may add up to more than the whole where a driver spills or a limit is soft
 * @param requested what was asked for
 */
public record MemoryMap(long whole, String wholeName, List<Part> parts, Optional<Size> requested) {
    /** One part of the bar. */
    public record Part(Kind kind, String name, long bytes) {}

    /** What a part is. */
    public enum Kind {
        ALLOCATED,
        HOLES,
        OVERHEAD,
        OTHER,
        FREE
    }

    public MemoryMap {
        parts = List.copyOf(parts);
    }

    /** The map of a failure; empty where its message has too few figures. */
    public static Optional<MemoryMap> of(OutOfMemory oom) {
        return oom.allocator() == Backend.MPS ? mps(oom) : device(oom);
    }

    /** The same, or for host memory what this process held below its cap. */
    static Optional<MemoryMap> of(OutOfMemory oom, Situation situation) {
        return of(oom).or(() -> oom.allocator() == Backend.CPU ? host(oom, situation) : Optional.empty());
    }

    private static Optional<MemoryMap> host(OutOfMemory oom, Situation situation) {
        return situation.cap().filter(cap -> situation.held(cap) > 0).map(cap -> {
            long held = situation.held(cap);
            List<Part> parts = new ArrayList<>();
            parts.add(new Part(Kind.ALLOCATED, "this process", held));
            if (cap.bytes() > held) {
                parts.add(new Part(
                        Kind.FREE,
                        "left below the " + cap.kind().label() + ", or allocated and not yet touched",
                        cap.bytes() - held));
            }
            return new MemoryMap(cap.bytes(), cap.kind().label(), parts, oom.size(Field.REQUESTED));
        });
    }

    /** The bytes of all parts or of the whole, whichever is more. */
    public long drawn() {
        return Math.max(whole, parts.stream().mapToLong(Part::bytes).sum());
    }

    private static Optional<MemoryMap> mps(OutOfMemory oom) {
        Optional<Size> live = oom.size(Field.MPS_ALLOCATED);
        if (live.isEmpty()) {
            return Optional.empty();
        }
        List<Part> parts = new ArrayList<>();
        parts.add(new Part(Kind.ALLOCATED, "MPS allocated", live.get().bytes()));
        oom.size(Field.MPS_OTHER).ifPresent(size -> parts.add(new Part(Kind.OTHER, "other allocations", size.bytes())));
        long sum = parts.stream().mapToLong(Part::bytes).sum();
        long whole = oom.size(Field.MAX_ALLOWED).map(Size::bytes).orElse(sum);
        if (whole > sum) {
            parts.add(new Part(Kind.FREE, "free below the limit", whole - sum));
        }
        String name = oom.size(Field.MAX_ALLOWED).isPresent() ? "max allowed" : "in use; no limit is set";
        return Optional.of(new MemoryMap(whole, name, parts, oom.size(Field.REQUESTED)));
    }

    private static Optional<MemoryMap> device(OutOfMemory oom) {
        Implied seen = new Implied(oom);
        if (seen.total.isEmpty()) {
            return Optional.empty();
        }
        List<Part> parts = new ArrayList<>();
        seen.allocated.ifPresent(size -> parts.add(new Part(Kind.ALLOCATED, "allocated", size.bytes())));
        seen.unallocated.ifPresent(size -> parts.add(new Part(Kind.HOLES, "reserved but unallocated", size.bytes())));
        seen.overhead(oom)
                .filter(size -> size.bytes() > 0)
                .ifPresent(size -> parts.add(new Part(Kind.OVERHEAD, "context and libraries", size.bytes())));
        boolean ownKnown = oom.size(Field.IN_USE).isPresent() || seen.ownClause.isPresent();
        Optional<Size> rest = Optional.of(seen.outside()).filter(size -> size.low() > 0);
        String name = ownKnown ? "other processes" : "context and other processes";
        rest.ifPresent(size -> parts.add(new Part(Kind.OTHER, name, size.bytes())));
        seen.free.ifPresent(size -> parts.add(new Part(Kind.FREE, "free", size.bytes())));
        String device = oom.device().isPresent() ? "GPU " + oom.device().getAsInt() : "the device's";
        String limit = seen.allowed
                .map(size -> " (" + size + " allowed to this process)")
                .orElse("");
        return parts.isEmpty()
                ? Optional.empty()
                : Optional.of(new MemoryMap(seen.total.get().bytes(), device + limit, parts, seen.requested));
    }
}

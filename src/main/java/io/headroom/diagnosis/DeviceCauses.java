package io.headroom.diagnosis;

import static io.headroom.diagnosis.Cause.CAPACITY;
import static io.headroom.diagnosis.Cause.FRAGMENTATION;
import static io.headroom.diagnosis.Cause.LIMIT;
import static io.headroom.diagnosis.Cause.OTHER_PROCESS;
import static io.headroom.diagnosis.Cause.OVERSIZED_REQUEST;
import static io.headroom.diagnosis.Cause.SHAPE_BUG;
import static io.headroom.diagnosis.Cause.UNKNOWN;

import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Size;
import io.headroom.oom.Wording;
import io.headroom.units.Bytes;
import java.util.Locale;
import java.util.Optional;

/**
 * The cause of a CUDA, ROCm or Intel GPU failure from its numbers; the first rule that fits decides.
 *
 * <p>A full card of live tensors looks the same whether the model needs them or a loop forgot them: without readings
 * {@link Cause#CAPACITY} is never called certain.
 */
final class DeviceCauses {
    private static final double OTHERS_SHARE = 0.4;
    /** A context with its libraries, and what a desktop shows on a small card, may take this much without being named. */
    private static final long LARGEST_OVERHEAD = 2 * Bytes.GIB;

    /** The allocator asks the driver for segments of 20 MiB: less than that free is none. */
    private static final long CRUMB = 20 * Bytes.MIB;

    /** Asked for small tensors, which holes in the segments of large ones cannot serve. */
    private static final long SMALL_SEGMENT = 2 * Bytes.MIB;

    private static final long LARGEST_DEVICE = 192 * Bytes.GIB;

    private static final double HOLES_SHARE = 0.15;
    private static final double LARGE_HOLES_SHARE = 0.10;

    private DeviceCauses() {}

    static Verdict of(OutOfMemory oom) {
        Implied seen = new Implied(oom);
        if (oom.impossible()) {
            return Verdict.of(
                    SHAPE_BUG,
                    0.9,
                    "The size asked for is negative, not a number or more than any machine has: a shape overflowed.");
        }
        if (oom.wording() == Wording.SINGLE_BLOCK) {
            return Verdict.of(
                    OVERSIZED_REQUEST, 0.9, "The device refuses single blocks of that size, however much is free.");
        }
        return tooLarge(oom, seen)
                .or(() -> capped(seen))
                .or(() -> shared(seen))
                .or(() -> others(oom, seen))
                .or(() -> fits(seen))
                .or(() -> holes(seen))
                .or(() -> block(oom, seen))
                .or(() -> full(seen))
                .orElseGet(() -> silent(oom));
    }

    private static Optional<Verdict> tooLarge(OutOfMemory oom, Implied seen) {
        if (seen.requested.isPresent() && seen.total.isEmpty() && seen.allocated.isEmpty()) {
            return beyondAny(seen.requested.get());
        }
        if (seen.requested.isEmpty() || seen.total.isEmpty()) {
            return Optional.empty();
        }
        Size requested = seen.requested.get();
        Size total = seen.total.get();
        if (requested.low() <= total.high()) {
            return Optional.empty();
        }
        boolean absurd = requested.bytes() / 16 > total.bytes();
        return Optional.of(Verdict.of(
                absurd ? SHAPE_BUG : OVERSIZED_REQUEST,
                0.92,
                "One request of " + requested + " on a device of " + total
                        + (absurd
                                ? ", more than 16 times as large: look for a wrong shape first."
                                : ": it could not fit even if the device were empty.")));
    }

    /** Without the device's size: more than the largest there is. */
    private static Optional<Verdict> beyondAny(Size requested) {
        if (requested.low() < LARGEST_DEVICE) {
            return Optional.empty();
        }
        boolean absurd = requested.low() / 16 > LARGEST_DEVICE;
        return Optional.of(Verdict.of(
                absurd ? SHAPE_BUG : OVERSIZED_REQUEST,
                absurd ? 0.8 : 0.65,
                "One request of " + requested + ", more than "
                        + (absurd
                                ? "16 times what any device has: look for a wrong shape first."
                                : "hardly any device has.")));
    }

    private static Optional<Verdict> capped(Implied seen) {
        if (seen.allowed.isEmpty()) {
            return Optional.empty();
        }
        Size allowed = seen.allowed.get();
        String cap = "This process may use " + allowed;
        Optional<Size> held = seen.reserved.or(() -> seen.allocated);
        Size wanted = seen.requested
                .map(size -> held.map(size::plus).orElse(size))
                .or(() -> held)
                .orElse(Size.exactly(0));
        // what is reserved and not allocated may be cut off: then allocated alone is a lower bound
        boolean below =
                wanted.high() <= allowed.low() && (seen.reserved.isPresent() || wanted.bytes() < 0.8 * allowed.bytes());
        if (held.isPresent() && below) {
            return Optional.empty();
        }
        boolean fits = seen.requestedFits();
        String evidence = cap
                + held.map(size -> "; it holds " + size + " and asks for more").orElse("")
                + (fits ? "; " + seen.free.get() + " are free on the device, more than the request." : ".");
        return held.isPresent()
                ? Optional.of(Verdict.of(LIMIT, fits ? 0.85 : 0.75, evidence))
                : fits ? Optional.of(Verdict.of(LIMIT, 0.6, evidence)) : Optional.empty();
    }

    private static Optional<Verdict> others(OutOfMemory oom, Implied seen) {
        if (seen.total.isEmpty() || (seen.requestedFits() && !nearlyFull(seen))) {
            return Optional.empty();
        }
        long total = seen.total.get().bytes();
        long listed = seen.othersListed.map(Size::bytes).orElse(0L);
        if (seen.own.isEmpty()) {
            return oom.processes().size() > 1 && listed > total / 2
                    ? Optional.of(Verdict.of(
                            OTHER_PROCESS,
                            0.55,
                            oom.processes().size() + " processes hold " + Bytes.format(listed) + " of "
                                    + seen.total.get() + "; the message was cut before it said which is this one."))
                    : Optional.empty();
        }
        long own = seen.own.get().bytes();
        Size elsewhere = seen.outside();
        boolean whole = oom.size(Field.IN_USE).isPresent() || !oom.processes().isEmpty();
        if (elsewhere.low() < OTHERS_SHARE * total
                || elsewhere.low() < own
                || (listed == 0 && elsewhere.low() < LARGEST_OVERHEAD)) {
            return Optional.empty();
        }
        return Optional.of(
                whole
                        ? Verdict.of(
                                OTHER_PROCESS,
                                elsewhere.low() > 0.6 * total ? 0.85 : 0.7,
                                elsewhere + " of " + seen.total.get() + " are held outside this process, which has "
                                        + seen.own.get() + ".")
                        : Verdict.of(
                                OTHER_PROCESS,
                                0.6,
                                elsewhere + " of " + seen.total.get() + " are held outside PyTorch, which has "
                                        + seen.own.get()
                                        + ": by other processes, the desktop or another library in this one."));
    }

    /** The message names no holder but this process, and PyTorch has little of what that holds. */
    private static Optional<Verdict> shared(Implied seen) {
        if (seen.anotherLibrary.isEmpty() || seen.requestedFits() || holes(seen).isPresent()) {
            return Optional.empty();
        }
        return Optional.of(Verdict.of(
                UNKNOWN,
                0.5,
                seen.anotherLibrary.get() + " of " + seen.total.get()
                        + " are held in this process by another library than"
                        + " PyTorch: JAX and TensorFlow take most of a GPU in advance (XLA_PYTHON_CLIENT_PREALLOCATE=false,"
                        + " TF_FORCE_GPU_ALLOW_GROWTH=true)."));
    }

    private static boolean nearlyFull(Implied seen) {
        return seen.free.isPresent()
                && seen.free.get().bytes() < seen.total.get().bytes() / 20;
    }

    /** A driver keeps some MiB for itself: so little free is a full card, though the request seems to fit. */
    private static boolean onlyCrumbs(Implied seen) {
        boolean segment = seen.free.isPresent()
                && seen.free.get().bytes() < CRUMB
                && seen.free.get().bytes() < seen.total.map(Size::bytes).orElse(0L) / 200;
        return segment || nearlyAll(seen);
    }

    private static boolean nearlyAll(Implied seen) {
        return seen.requestedFits()
                && seen.own.isPresent()
                && seen.free.get().bytes() - seen.requested.get().bytes() < 64 * Bytes.MIB
                && seen.own.get().bytes() > 0.85 * seen.total.map(Size::bytes).orElse(Long.MAX_VALUE);
    }

    private static Optional<Verdict> fits(Implied seen) {
        return seen.requestedFits() && !onlyCrumbs(seen)
                ? Optional.of(Verdict.of(
                        UNKNOWN,
                        0.5,
                        seen.free.get() + " are free on the device and only " + seen.requested.get()
                                + " were asked for: the driver refused for another reason (host memory, address space,"
                                + " a race with another process, a partition of the card)."))
                : Optional.empty();
    }

    private static Optional<Verdict> holes(Implied seen) {
        if (seen.requested.isEmpty()
                || seen.unallocated.isEmpty()
                || seen.reserved.isEmpty()
                || seen.oversubscribed()) {
            return Optional.empty();
        }
        Size holes = seen.unallocated.get();
        double share = holes.bytes() / (double) Math.max(1, seen.reserved.get().bytes());
        boolean large = share > HOLES_SHARE || (share > LARGE_HOLES_SHARE && holes.bytes() > Bytes.GIB);
        if (holes.high() < seen.requested.get().low() || !large) {
            return Optional.empty();
        }
        return Optional.of(Verdict.of(
                FRAGMENTATION,
                share > 0.2 && seen.requested.get().bytes() > SMALL_SEGMENT ? 0.8 : 0.6,
                holes + " are reserved but unallocated, " + Math.round(100 * share)
                        + " % of what PyTorch holds and more than" + " the " + seen.requested.get()
                        + " asked for: free, but in holes."));
    }

    private static Optional<Verdict> block(OutOfMemory oom, Implied seen) {
        boolean large = oom.allocator() == Backend.XPU
                && seen.requested.isPresent()
                && seen.requested.get().high() >= 4 * Bytes.GIB;
        boolean full = seen.own.isPresent()
                && seen.total.isPresent()
                && seen.own.get().plus(seen.requested.orElse(Size.exactly(0))).low()
                        > seen.total.get().high();
        if (!large || full || seen.free.isPresent() || seen.total.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(Verdict.of(
                OVERSIZED_REQUEST,
                0.75,
                "First-generation Arc GPUs refuse single blocks of 4 GiB and more; this one is " + seen.requested.get()
                        + " on a device of " + seen.total.get() + "."));
    }

    private static Optional<Verdict> full(Implied seen) {
        if (seen.total.isEmpty() || (seen.free.isEmpty() && seen.allocated.isEmpty())) {
            return Optional.empty();
        }
        if (seen.own.isEmpty()) {
            String free = seen.free.map(size -> size + " are free of ").orElse("");
            return Optional.of(Verdict.of(
                    CAPACITY, 0.4, free + seen.total.get() + "; the message does not say who holds the rest."));
        }
        Size own = seen.own.get();
        double share = own.bytes() / (double) Math.max(1, seen.total.get().bytes());
        boolean addsUp = seen.free.isPresent()
                || own.plus(seen.requested.orElse(Size.exactly(0))).bytes()
                        > 0.7 * seen.total.get().bytes();
        if (!addsUp) {
            return Optional.of(Verdict.of(
                    UNKNOWN,
                    0.4,
                    "This process holds " + own + " of " + seen.total.get()
                            + "; the message does not say what is free, nor who holds the rest."));
        }
        Verdict verdict = Verdict.of(
                CAPACITY,
                share > 0.85 ? 0.75 : share > 0.6 ? 0.65 : 0.5,
                "This process holds " + own + " of " + seen.total.get()
                        + seen.free.map(free -> " and " + free + " are free").orElse("")
                        + seen.requested
                                .map(size -> ", " + size + " were asked for")
                                .orElse("") + ".");
        boolean maybeHoles = seen.requested.isPresent()
                && seen.unallocated.isPresent()
                && seen.unallocated.get().high() + seen.free.map(Size::high).orElse(0L)
                        >= seen.requested.get().low();
        return Optional.of(
                maybeHoles
                        ? verdict.because("Free memory and the holes of " + seen.unallocated.get()
                                        + " in what PyTorch reserved would have been enough in one piece; they are small"
                                        + " beside what is live.")
                                .atMost(0.6)
                        : verdict);
    }

    private static Verdict silent(OutOfMemory oom) {
        return switch (oom.wording()) {
            case HANDLE ->
                oom.allocator() == Backend.CUDNN && isPlainHandle(oom)
                        ? Verdict.of(
                                CAPACITY,
                                0.35,
                                "cuDNN could not create its handle, which it allocates outside PyTorch's pool: usually the card"
                                        + " is full. A version clash reads the same.")
                        : Verdict.of(
                                UNKNOWN,
                                0.4,
                                "The library could not allocate its handle outside PyTorch's pool: the card may be full, or an"
                                        + " earlier fault (an index or label out of range) broke the context.");
            case ENGINE_SEARCH ->
                Verdict.of(
                        CAPACITY,
                        0.4,
                        "Every convolution algorithm's workspace was refused: usually the card is full.");
            case NCCL ->
                Verdict.of(UNKNOWN, 0.4, "NCCL allocates its buffers outside PyTorch's pool: the card may be full.");
            case DRIVER ->
                Verdict.of(
                        UNKNOWN,
                        0.4,
                        "The driver's own call failed, as it does where expandable segments are switched on: mapping more"
                                + " memory was refused.");
            default ->
                Verdict.of(
                        UNKNOWN,
                        0.4,
                        oom.size(Field.REQUESTED).isPresent()
                                ? "The message says what was asked for, and not who holds the memory."
                                : oom.sizes().isEmpty()
                                        ? "The message gives no figures."
                                        : "The message does not say what was asked for, nor who holds the rest.");
        };
    }

    private static boolean isPlainHandle(OutOfMemory oom) {
        String text = oom.excerpt().toLowerCase(Locale.ROOT);
        return !text.contains("tensorflow")
                && (text.contains("not_initialized")
                        || text.contains("alloc_failed")
                        || text.contains("internal_error"));
    }
}

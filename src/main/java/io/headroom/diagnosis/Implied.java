package io.headroom.diagnosis;

import io.headroom.oom.Field;
import io.headroom.oom.GpuProcess;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Size;
import io.headroom.oom.Wording;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the stated numbers imply about a device, each known as well as its printing allows.
 *
 * <p>Reserved = allocated + reserved but unallocated; a process's overhead = in use − reserved (context and libraries);
 * elsewhere = total − free − in use. In a container the process does not recognise its own "Process N" clause: the one
 * that holds what PyTorch reserved, and little more, is taken for it; so is one that holds far more, where the device
 * has no room for both: the rest of it is another library's.
 */
final class Implied {
    /** What a CUDA context with cuBLAS, cuDNN and NCCL takes at most, for recognising one's own process clause. */
    private static final long LARGEST_CONTEXT = 1536 * Bytes.MIB;

    private static final int MOST_NAMED = 3;

    final Optional<Size> requested;
    final Optional<Size> total;
    final Optional<Size> free;
    final Optional<Size> allocated;
    final Optional<Size> unallocated;
    final Optional<Size> reserved;
    final Optional<Size> allowed;
    final Optional<Size> pools;
    final Optional<GpuProcess> ownClause;
    /** The clauses of which one is this process's own, where none says so. */
    final List<GpuProcess> perhapsOwn;
    /** What this process holds beside PyTorch and a context, where only the sum shows that it does. */
    final Optional<Size> anotherLibrary;

    final Optional<Size> own;
    final List<GpuProcess> others;
    final Optional<Size> othersListed;
    final Optional<Size> elsewhere;

    Implied(OutOfMemory oom) {
        requested = oom.size(Field.REQUESTED);
        total = oom.size(Field.TOTAL);
        free = oom.size(Field.FREE);
        allocated = oom.size(Field.ALLOCATED);
        allowed = oom.size(Field.MAX_ALLOWED);
        pools = oom.size(Field.PRIVATE_POOLS);
        Optional<Size> stated = oom.size(Field.RESERVED);
        unallocated = oom.size(Field.RESERVED_UNALLOCATED)
                .or(() -> stated.flatMap(r -> allocated.map(r::minus)))
                .map(size -> size.bytes() < 0 ? new Size(0, size.error()) : size);
        reserved = stated.or(() -> allocated.flatMap(a -> unallocated.map(a::plus)));
        perhapsOwn = oom.size(Field.IN_USE).isPresent() ? List.of() : perhapsOwn(oom.processes());
        ownClause = perhapsOwn.stream()
                .min(Comparator.comparingLong(process -> process.inUse().bytes()));
        anotherLibrary = ownClause
                .flatMap(process -> held().map(process.inUse()::minus))
                .filter(size -> size.low() > LARGEST_CONTEXT);
        own = oom.size(Field.IN_USE)
                .or(() -> ownClause.map(GpuProcess::inUse))
                .or(() -> reserved)
                .or(() -> allocated);
        others = oom.processes().stream()
                .filter(process ->
                        ownClause.isEmpty() || process.pid() != ownClause.get().pid())
                .toList();
        othersListed = others.stream().map(GpuProcess::inUse).reduce(Size::plus);
        elsewhere = total.flatMap(t -> free.flatMap(f -> own.map(o -> t.minus(f).minus(o))))
                .filter(size -> size.bytes() >= 0);
    }

    /** What is held outside: as the message lists it where the rest of its numbers bears that out, else the rest. */
    Size outside() {
        Size rest = elsewhere.orElse(Size.exactly(0));
        Size listed = othersListed.orElse(Size.exactly(0));
        boolean same = listed.high() >= rest.low() && listed.low() <= rest.high();
        return othersListed.isPresent() && (same || listed.low() > rest.high()) ? listed : rest;
    }

    /** Whether free memory and the holes together would have been enough, and neither alone was said to be. */
    boolean fitsWithHoles() {
        long open = unallocated.map(Size::low).orElse(0L);
        return requested.isPresent()
                && free.isPresent()
                && open > 0
                && free.get().low() + open >= requested.get().high();
    }

    private boolean holesFit() {
        return requested.isPresent()
                && unallocated
                        .filter(size -> size.low() >= requested.get().high())
                        .isPresent();
    }

    /** Whether it is said which processes hold what, and it is as much as was missing or a tenth of the device. */
    boolean othersMatter() {
        if (own.isEmpty() || othersListed.isEmpty()) {
            return false;
        }
        long held = othersListed.get().low();
        long missing = requested.map(Size::high).orElse(Long.MAX_VALUE)
                - free.map(Size::low).orElse(0L);
        return held >= 64 * Bytes.MIB
                && (held >= missing || held >= total.map(Size::bytes).orElse(Long.MAX_VALUE) / 10);
    }

    /** {@code "process 4242 (11.20 GiB) and process 17 (2.00 GiB)"}: the largest three. */
    String othersNamed() {
        List<String> named = others.stream()
                .sorted(Comparator.comparingLong(
                        (GpuProcess process) -> -process.inUse().bytes()))
                .limit(MOST_NAMED)
                .map(process -> "process " + process.pid() + " (" + process.inUse() + ")")
                .toList();
        int more = others.size() - named.size();
        return String.join(" and ", named) + (more > 0 ? " and " + more + " more" : "");
    }

    private Optional<Size> held() {
        return reserved.or(() -> allocated);
    }

    private List<GpuProcess> perhapsOwn(List<GpuProcess> processes) {
        if (held().isEmpty()) {
            return List.of();
        }
        Size held = held().get();
        List<GpuProcess> like =
                processes.stream().filter(process -> isLike(process, held)).toList();
        return like.isEmpty() && exceedsDevice(processes, held)
                ? processes.stream()
                        .filter(process -> process.inUse().high() >= held.low())
                        .toList()
                : like;
    }

    private static boolean isLike(GpuProcess process, Size held) {
        return process.inUse().high() >= held.low() && process.inUse().low() - held.high() <= LARGEST_CONTEXT;
    }

    /** Whether all clauses together leave no room on the device for what PyTorch holds: then one of them holds it. */
    private boolean exceedsDevice(List<GpuProcess> processes, Size held) {
        return total.isPresent()
                && processes.stream()
                                        .map(GpuProcess::inUse)
                                        .reduce(held, Size::plus)
                                        .low()
                                + free.map(Size::low).orElse(0L)
                        > total.get().high();
    }

    private String itself() {
        boolean several = perhapsOwn.size() > 1;
        String who = several
                ? "One of "
                        + perhapsOwn.stream()
                                .map(process -> "process " + process.pid())
                                .collect(Collectors.joining(" and "))
                : "Process " + perhapsOwn.get(0).pid();
        if (anotherLibrary.isPresent()) {
            return who
                    + " is this process itself, seen from inside a container: what PyTorch holds would not fit beside"
                    + " it. The rest of it is another library's in this process.";
        }
        return several
                ? who + " is this process itself, seen from inside a container: each holds"
                        + " what PyTorch reserved here and little more."
                : who + " holds what PyTorch reserved here and little more: it is this process"
                        + " itself, seen from inside a container.";
    }

    /** What the driver, cuBLAS, cuDNN, NCCL and others take of this process's share. */
    Optional<Size> overhead(OutOfMemory oom) {
        return oom.size(Field.IN_USE)
                .or(() -> ownClause.map(GpuProcess::inUse))
                .flatMap(use -> reserved.map(use::minus))
                .filter(size -> size.high() >= 0)
                .map(size ->
                        size.bytes() >= size.error() ? size : new Size((size.high() + 1) / 2, (size.high() + 1) / 2));
    }

    /** Whether the process holds more than the card has, which Windows and WSL2 allow by spilling into system memory. */
    boolean oversubscribed() {
        return allocated.isPresent()
                && total.isPresent()
                && allocated.get().low() > total.get().high();
    }

    boolean requestedFits() {
        return requested.isPresent()
                && free.isPresent()
                && free.get().low() >= requested.get().high();
    }

    /** The size of the tensor behind "Tried to allocate", which CUDA's allocator rounds to segments. */
    static Optional<String> tensorBehind(OutOfMemory oom) {
        Optional<Size> requested = oom.size(Field.REQUESTED);
        boolean caching = oom.allocator().isDevice()
                && switch (oom.wording()) {
                    case MPS, MPS_BINARY, MPS_BUFFER, METAL, SINGLE_BLOCK, ASYNC -> false;
                    default -> true;
                }
                && oom.wording() != Wording.CACHED;
        if (requested.isEmpty() || !caching) {
            return Optional.empty();
        }
        long bytes = requested.get().bytes();
        if (bytes == 2 * Bytes.MIB) {
            return Optional.of("2.00 MiB is the segment asked of the driver: the tensor itself is 1 MiB or smaller.");
        }
        if (bytes == 20 * Bytes.MIB) {
            return Optional.of(
                    "20.00 MiB is the segment asked of the driver: the tensor itself has more than 1 and less"
                            + " than 10 MiB (or 18 to 20 MiB).");
        }
        return Optional.empty();
    }

    /** The quantities worth showing, in words. */
    List<String> sentences(OutOfMemory oom) {
        List<String> all = new ArrayList<>();
        tensorBehind(oom).ifPresent(all::add);
        room(oom).filter(room -> !fitsWithHoles() && !holesFit()).ifPresent(room -> requested
                .filter(size -> size.low() > room.high())
                .ifPresent(size -> all.add("Missing: " + range(size.minus(room)) + " (" + size + " asked for, "
                        + Size.exactly(Math.max(0, room.bytes())) + " free).")));
        overhead(oom).ifPresent(size -> all.add("CUDA context and libraries of this process: " + range(size) + "."));
        ownClause.ifPresent(process -> all.add(itself()));
        pools.ifPresent(
                size -> all.add(size + " of the allocated memory are free blocks in CUDA graphs' private pools; live"
                        + " tensors hold " + range(allocated.orElse(size).minus(size)) + "."));
        if (oversubscribed()) {
            all.add("More is allocated (" + allocated.get() + ") than the card has (" + total.get()
                    + "): Windows and WSL2 spill into system memory, slowly.");
        }
        if (othersMatter()) {
            all.add("Not this process: " + othersNamed() + ".");
        }
        elsewhere
                .filter(size -> size.low() > Bytes.GIB)
                .ifPresent(size -> all.add("Neither free nor this process's: " + range(size) + "."));
        return all;
    }

    /** What is free on the device, or left of what Metal allows. */
    private Optional<Size> room(OutOfMemory oom) {
        return free.or(() -> oom.size(Field.MPS_ALLOCATED)
                .flatMap(live -> oom.size(Field.MPS_OTHER)
                        .flatMap(other -> allowed.map(most -> most.minus(live).minus(other))))
                .filter(left -> left.low() >= 0));
    }

    /** {@code "1.10 – 1.12 GiB"}, or the size alone where both ends print alike. */
    static String range(Size size) {
        String low = Bytes.format(size.low());
        String high = Bytes.format(Math.max(size.low(), size.high()));
        return low.equals(high) ? low : low + " – " + high;
    }
}

package io.headroom.diagnosis;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a live notebook knows beside the message; everything may be missing.
 *
 * <pre>{@code
 * Situation.unknown()
 *         .in(Situation.Kernel.JJAVA)
 *         .limit(Bytes.parse("9.07 GiB"), "limit(\"9.07 GiB\")")
 *         .process(Bytes.parse("9.01 GiB"))
 *         .readings(List.of(1_000L, 2_000L, 3_000L));
 * }</pre>
 *
 * <p>Immutable: each call returns another one.
 *
 * @param kernel where the advice will be typed
 * @param limit the limit in force for this process, bytes
 * @param limitSource what set it, as shown: {@code limit("9.07 GiB")}, {@code "cgroup memory.max"}
 * @param process the process's memory when it failed, bytes
 * @param machineTotal the machine's memory
 * @param machineFree what of it was available when it failed
 * @param readings the process's or device's used bytes before the failure, one per step or stage, oldest first
 * @param liveArrays bytes of the NDArrays that managers still hold
 * @param heldByCell bytes that the failed cell's variables and exception still hold
 * @param code the failing cell
 */
public record Situation(
        Kernel kernel,
        OptionalLong limit,
        String limitSource,
        OptionalLong process,
        OptionalLong machineTotal,
        OptionalLong machineFree,
        List<Long> readings,
        OptionalLong liveArrays,
        OptionalLong heldByCell,
        Optional<String> code) {
    /** Where the advice will be typed. */
    public enum Kernel {
        JJAVA,
        IJAVA,
        /** A terminal: no notebook, and maybe no Java. */
        SHELL
    }

    public Situation {
        readings = List.copyOf(readings);
    }

    /** Nothing but a message, outside any notebook. */
    public static Situation unknown() {
        OptionalLong none = OptionalLong.empty();
        return new Situation(Kernel.SHELL, none, "", none, none, none, List.of(), none, none, Optional.empty());
    }

    public Situation in(Kernel kernel) {
        return new Situation(
                kernel, limit, limitSource, process, machineTotal, machineFree, readings, liveArrays, heldByCell, code);
    }

    public Situation limit(long bytes, String source) {
        return new Situation(
                kernel,
                OptionalLong.of(bytes),
                source,
                process,
                machineTotal,
                machineFree,
                readings,
                liveArrays,
                heldByCell,
                code);
    }

    public Situation process(long bytes) {
        return new Situation(
                kernel,
                limit,
                limitSource,
                OptionalLong.of(bytes),
                machineTotal,
                machineFree,
                readings,
                liveArrays,
                heldByCell,
                code);
    }

    public Situation machine(long total, long free) {
        return new Situation(
                kernel,
                limit,
                limitSource,
                process,
                OptionalLong.of(total),
                OptionalLong.of(free),
                readings,
                liveArrays,
                heldByCell,
                code);
    }

    public Situation readings(List<Long> used) {
        return new Situation(
                kernel, limit, limitSource, process, machineTotal, machineFree, used, liveArrays, heldByCell, code);
    }

    public Situation liveArrays(long bytes) {
        return new Situation(
                kernel,
                limit,
                limitSource,
                process,
                machineTotal,
                machineFree,
                readings,
                OptionalLong.of(bytes),
                heldByCell,
                code);
    }

    public Situation heldByCell(long bytes) {
        return new Situation(
                kernel,
                limit,
                limitSource,
                process,
                machineTotal,
                machineFree,
                readings,
                liveArrays,
                OptionalLong.of(bytes),
                code);
    }

    public Situation code(String cell) {
        return new Situation(
                kernel,
                limit,
                limitSource,
                process,
                machineTotal,
                machineFree,
                readings,
                liveArrays,
                heldByCell,
                Optional.ofNullable(cell));
    }
}

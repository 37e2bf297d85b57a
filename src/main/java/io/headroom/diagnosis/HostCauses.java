package io.headroom.diagnosis;

import static io.headroom.diagnosis.Cause.HOST_RAM;
import static io.headroom.diagnosis.Cause.JVM_HEAP;
import static io.headroom.diagnosis.Cause.LIMIT;
import static io.headroom.diagnosis.Cause.OVERSIZED_REQUEST;
import static io.headroom.diagnosis.Cause.SHAPE_BUG;
import static io.headroom.diagnosis.Cause.UNKNOWN;

import io.headroom.memory.Limit;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Size;
import io.headroom.units.Bytes;
import java.util.Optional;
import java.util.OptionalLong;

/** The cause of a failure of host memory, of the JVM's memory, or of another framework. */
final class HostCauses {
    /** Beyond this a single request is too large for what machines commonly have. */
    private static final long COMMON_MACHINE = 64 * Bytes.GIB;

    private static final long ANY_MACHINE = 64 * Bytes.TIB;

    private HostCauses() {}

    static Verdict of(OutOfMemory oom, Situation situation) {
        return switch (oom.allocator()) {
            case JVM -> jvm(oom);
            case OOM_KILLER -> killed(oom);
            case DATALOADER_SHM -> shared(oom);
            case TENSORFLOW, JAX -> framework(oom);
            default -> cpu(oom, situation);
        };
    }

    private static Verdict cpu(OutOfMemory oom, Situation situation) {
        Optional<Size> requested = oom.size(Field.REQUESTED);
        if (oom.impossible()) {
            return Verdict.of(SHAPE_BUG, 0.9, "The size asked for is impossible: a shape overflowed.");
        }
        Optional<Verdict> large = requested.flatMap(size -> tooLarge(size, situation));
        if (large.isPresent()) {
            return large.get();
        }
        Optional<Limit> cap = situation.cap();
        if (cap.isPresent() && refusedByCap(cap.get(), requested, situation)) {
            return capped(cap.get(), requested, situation);
        }
        String asked =
                requested.map(size -> "The system refused " + size + " of").orElse("The system refused");
        return switch (oom.wording()) {
            case PAGE_FILE ->
                Verdict.of(
                        HOST_RAM,
                        0.75,
                        "Windows refused to commit more memory: RAM and the paging file together are used up, or promised.");
            case ONNX ->
                Verdict.of(
                        UNKNOWN,
                        0.4,
                        "ONNX Runtime's arena could not grow: the memory is used up, or a limit is set on the arena"
                                + " (gpu_mem_limit).");
            case PYTHON, BAD_ALLOC, MXNET ->
                Verdict.of(HOST_RAM, 0.5, "The allocation failed; the message gives no size.");
            default ->
                Verdict.of(
                        HOST_RAM,
                        0.7,
                        asked
                                + " host memory: RAM and swap, or a limit of the process (ulimit, container), were used up.");
        };
    }

    /** A cap is the cause if what the process held at most and asked for comes near it. */
    private static boolean refusedByCap(Limit cap, Optional<Size> requested, Situation situation) {
        long asked = requested.map(Size::bytes).orElse(0L);
        OptionalLong left = cap.headroom();
        return situation.held(cap) > cap.bytes() - cap.bytes() / 10 - asked
                || (left.isPresent() && left.getAsLong() < asked + cap.bytes() / 50);
    }

    private static Verdict capped(Limit cap, Optional<Size> requested, Situation situation) {
        long held = situation.held(cap);
        String used = held > 0 ? "The process held up to " + Bytes.format(held) + " of" : "The limit is";
        Verdict verdict = Verdict.of(
                LIMIT,
                0.9,
                used + " the " + Bytes.format(cap.bytes()) + " allowed to it ("
                        + cap.kind().label() + ")"
                        + requested
                                .map(size -> " when " + size + " more were asked for")
                                .orElse("") + ".");
        OptionalLong left = situation.machineLeft();
        return left.isPresent()
                ? verdict.because("The machine itself had " + Bytes.format(left.getAsLong()) + " left.")
                : verdict;
    }

    private static Optional<Verdict> tooLarge(Size requested, Situation situation) {
        Optional<Limit> machine = situation.machine();
        if (machine.isPresent() && requested.low() > machine.get().bytes()) {
            return Optional.of(Verdict.of(
                    OVERSIZED_REQUEST,
                    0.95,
                    "One request of " + requested + " on a machine of "
                            + Bytes.format(machine.get().bytes()) + "."));
        }
        Optional<Limit> cap = situation.cap();
        if (cap.isPresent() && requested.low() > cap.get().bytes()) {
            return Optional.of(Verdict.of(
                    OVERSIZED_REQUEST,
                    0.9,
                    "One request of " + requested + "; " + cap.get().label() + " is all that this process may have."));
        }
        if (requested.low() >= ANY_MACHINE) {
            return Optional.of(Verdict.of(
                    SHAPE_BUG,
                    0.85,
                    "One request of " + requested + ", more than any machine has: look for a wrong shape."));
        }
        return requested.low() >= COMMON_MACHINE && machine.isEmpty()
                ? Optional.of(Verdict.of(
                        OVERSIZED_REQUEST, 0.75, "One request of " + requested + ", more than most machines have."))
                : Optional.empty();
    }

    private static Verdict jvm(OutOfMemory oom) {
        return switch (oom.wording()) {
            case JAVA_HEAP, GC_OVERHEAD ->
                Verdict.of(
                        JVM_HEAP, 0.75, "The JVM's heap (-Xmx) is full; tensors do not live there, Java objects do.");
            case ARRAY_LIMIT ->
                Verdict.of(OVERSIZED_REQUEST, 0.85, "One Java array of more elements than the JVM allows (about 2³¹).");
            case METASPACE, CLASS_SPACE -> Verdict.of(LIMIT, 0.75, "The JVM's limit for class metadata was reached.");
            case DIRECT_BUFFER ->
                Verdict.of(
                        LIMIT,
                        0.8,
                        "The JVM's limit for direct buffers (-XX:MaxDirectMemorySize) was reached"
                                + oom.size(Field.MAX_ALLOWED)
                                        .map(size -> ": " + size)
                                        .orElse("") + ".");
            case NATIVE_THREAD ->
                Verdict.of(
                        LIMIT,
                        0.5,
                        "The system refused another thread: a limit on processes, or no memory for its stack.");
            case JAVACPP_LIMIT ->
                Verdict.of(
                        LIMIT,
                        0.8,
                        "JavaCPP's own limit for native memory was reached (org.bytedeco.javacpp.maxbytes, .maxphysicalbytes).");
            case HEAP_RESERVE ->
                Verdict.of(
                        HOST_RAM,
                        0.7,
                        "The heap asked for at start does not fit into the memory or the address space left.");
            case NOT_PERMITTED ->
                Verdict.of(
                        UNKNOWN,
                        0.5,
                        "The system answered \"operation not permitted\", not \"no memory\": a container whose rules for system"
                                + " calls (seccomp) are older than the image, or a hardened kernel.");
            case HOTSPOT_NATIVE, MAP_FAILED, OUT_OF_SWAP ->
                Verdict.of(HOST_RAM, 0.7, "The system refused the JVM memory outside its heap.");
            default -> Verdict.of(UNKNOWN, 0.4, "An OutOfMemoryError with a text of its own.");
        };
    }

    private static Verdict killed(OutOfMemory oom) {
        Verdict verdict = kill(oom);
        return KilledProcess.of(oom)
                .map(process -> verdict.because("The kernel names " + process + "."))
                .orElse(verdict);
    }

    private static Verdict kill(OutOfMemory oom) {
        return switch (oom.wording()) {
            case CGROUP_KILL ->
                Verdict.of(
                        HOST_RAM,
                        0.75,
                        "The container's memory limit was reached and the kernel killed a process in it.");
            case OTHER_KILLER ->
                Verdict.of(
                        HOST_RAM,
                        0.7,
                        "A watcher of the machine's memory (Ray, systemd-oomd, earlyoom) ended the process before the kernel"
                                + " had to.");
            case JOB_LIMIT ->
                Verdict.of(
                        LIMIT,
                        0.75,
                        "The system that runs the job (YARN, Slurm, LSF, Cloud Run, Heroku) holds the job to a limit of memory and ended it there.");
            case KERNEL_KILL ->
                Verdict.of(HOST_RAM, 0.75, "The machine ran out of memory and the kernel chose a victim.");
            case KERNEL_DIED ->
                Verdict.of(
                        HOST_RAM,
                        0.45,
                        "A kernel that dies without a word was usually killed for memory; dmesg tells.");
            default ->
                Verdict.of(
                        HOST_RAM,
                        0.6,
                        "Killed by signal 9, as the kernel does when memory is out; dmesg tells for sure.");
        };
    }

    private static Verdict shared(OutOfMemory oom) {
        return switch (oom.wording()) {
            case SHM_MAP ->
                oom.size(Field.REQUESTED).map(Size::high).orElse(Long.MAX_VALUE) < 64 * Bytes.MIB
                        ? Verdict.of(
                                LIMIT,
                                0.55,
                                "A mapping of " + oom.size(Field.REQUESTED).orElseThrow()
                                        + " was refused, too little for memory to be the reason: usually the process has as many"
                                        + " mappings as it may (vm.max_map_count), each shared tensor being one.")
                        : Verdict.of(HOST_RAM, 0.6, "Shared memory, which is the host's, could not be mapped.");
            case WORKER_KILLED ->
                Verdict.of(HOST_RAM, 0.55, "A loader worker was killed, as the kernel does when host memory is out.");
            default ->
                Verdict.of(
                        HOST_RAM,
                        0.7,
                        "/dev/shm, through which loader workers and NCCL hand over data, is full; in Docker it has 64 MB.");
        };
    }

    private static Verdict framework(OutOfMemory oom) {
        String whose = "This is " + oom.allocator().title() + "'s message, not PyTorch's. ";
        Optional<Size> requested = oom.size(Field.REQUESTED);
        return requested.isPresent() && requested.get().low() > 4 * COMMON_MACHINE
                ? Verdict.of(OVERSIZED_REQUEST, 0.8, whose + "One request of " + requested.get() + " fits no device.")
                : Verdict.of(UNKNOWN, 0.4, whose + "It does not say what the device holds.");
    }
}

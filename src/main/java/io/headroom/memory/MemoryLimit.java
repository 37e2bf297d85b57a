package io.headroom.memory;

import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A cap on this process's memory under which libtorch really fails, with its own message, and the JVM lives on.
 *
 * <p>{@code set(bytes)} means: <em>the resident set of this process may grow to this many bytes, everything counted</em>
 * (engine, heap, weights, activations): the same figure {@link Reading#rss()} shows. It is set as the soft
 * {@code RLIMIT_DATA} of the running process, so an allocation that would go beyond it gets {@code ENOMEM} and libtorch
 * throws {@code DefaultCPUAllocator: can't allocate memory}. Address space that is reserved but untouched when the cap
 * is set (committed heap, thread stacks) does not count. {@link #lift()} restores what was there before.
 *
 * <p>The JVM needs memory of its own under the cap: start it with a fixed heap ({@code -Xms} equal to {@code -Xmx}), and
 * leave at least {@link #SLACK} above what is in use. An allocation of many megabytes, as tensors are, fails long before
 * the JVM's own small ones do. A cell's failure is told beyond the cap ({@link #makeRoom()}). A program that fills the cap
 * with tensors of 1 MiB or less may leave the JVM nothing before that: it may end instead.
 *
 * <pre>{@code
 * MemoryLimit.set(Bytes.parse("9.07 GiB"));
 * try {
 *     trainer.step();      // EngineException: … you tried to allocate 65536000 bytes
 * } finally {
 *     MemoryLimit.lift();
 * }
 * }</pre>
 *
 * <p>One cap per process; the methods may be called from any thread. Linux only: see
 * {@code setrlimit(2)}, {@code RLIMIT_DATA}.
 *
 * @param bytes the cap as it was asked for
 * @param dataLimit the {@code RLIMIT_DATA} it was turned into
 */
public record MemoryLimit(long bytes, long dataLimit) {
    /** Least distance between what is in use and a cap: room for the JVM's own threads, compiler and classes. */
    public static final long SLACK = 64 * Bytes.MIB;

    private static final Object LOCK = new Object();
    private static MemoryLimit current;
    private static Libc.Rlimit before;
    private static boolean beyond;

    /** What the JVM keeps beyond a cap that is used up: the next cell must be compiled before it can release anything. */
    private static final long REST = 32 * Bytes.MIB;

    /** Beyond the cap after any number of failures: cells that go on filling memory meet the cap again here. */
    private static final long MOST = 4 * SLACK;

    /** libtorch needs a little memory to say that there is none: without it the exception itself ends the process. */
    private static final int HOLES = 128;

    private static final long HOLE = 16 * Bytes.KIB;

    /** What glibc starts with, and raises to the largest block freed so far, up to {@link #GROWN}. */
    private static final long MAPPED = 128 * Bytes.KIB;

    private static final long GROWN = 32 * Bytes.MIB;
    private static boolean mapped;

    private static List<Pointer> spacers = List.of();

    /** Whether this system can cap a running process. */
    public static boolean supported() {
        return Platform.isLinux() && Libc.limit(Libc.RLIMIT_DATA).isPresent();
    }

    /**
     * Caps the process, replacing a cap set before.
     *
     * <p>While it holds, glibc maps each block of 128 KiB or more on its own, unless the environment sets its thresholds:
     * what is freed counts against the cap no more. In an arena it would, as {@code malloc_trim} gives back pages and not
     * what {@code RLIMIT_DATA} counts, and no larger array could use it. {@link #measure} leaves malloc as it is.
     *
     * @param bytes the resident set may grow to this
     * @throws IllegalArgumentException if the cap is below what the process uses now plus {@link #SLACK}; names the use
     *     and the smallest cap that works
     * @throws UnsupportedOperationException where the system cannot cap a running process
     */
    public static MemoryLimit set(long bytes) {
        synchronized (LOCK) {
            MemoryLimit set = measure(bytes);
            if (!mapped && !EngineEnvironment.now().returnsFreedMemory()) {
                mapped = Libc.mapFrom(MAPPED);
            }
            return set;
        }
    }

    /** The same with malloc as it is, for a peak to be measured under the cap; throws as {@link #set} does. */
    public static MemoryLimit measure(long bytes) {
        if (!supported()) {
            throw new UnsupportedOperationException("limit(\"" + Bytes.format(bytes) + "\") is not supported on "
                    + System.getProperty("os.name") + ": only Linux can cap a running process so that libtorch fails"
                    + " with a message. Start the kernel in a container with a memory limit instead, or plan with"
                    + " budget(…), which needs no cap.");
        }
        synchronized (LOCK) {
            Libc.trim();
            if (spacers.isEmpty()) {
                spacers = Libc.holes(HOLES, HOLE);
            }
            ProcessMemory process = Reading.now().process();
            OptionalLong resident = process.resident();
            OptionalLong data = process.data();
            if (resident.isEmpty() || data.isEmpty()) {
                throw new UnsupportedOperationException(
                        "limit(\"" + Bytes.format(bytes) + "\") cannot be set: /proc/self/status is not readable here,"
                                + " so what the process uses is not known.");
            }
            long used = resident.getAsLong();
            if (bytes < used + SLACK) {
                throw new IllegalArgumentException("A cap of " + Bytes.format(bytes) + " is below what the process"
                        + " needs: " + Bytes.format(used) + " are in use now, and the JVM wants "
                        + Bytes.format(SLACK) + " more. The smallest cap that works is " + smallest(used)
                        + "; release models first for a smaller one.");
            }
            Libc.Rlimit now = Libc.limit(Libc.RLIMIT_DATA).orElseThrow();
            Libc.Rlimit original = before == null ? now : before;
            long kept = Libc.nativeHeap().kept().orElse(0);
            long room = Math.max(SLACK, bytes - used - kept);
            long wanted = data.getAsLong() + room;
            boolean most = wanted < 0 || original.hard() != Libc.UNLIMITED && wanted > original.hard();
            long soft = most ? original.hard() : wanted;
            if (!Libc.setLimit(Libc.RLIMIT_DATA, new Libc.Rlimit(soft, original.hard()))) {
                throw new UnsupportedOperationException("The system refused a cap of " + Bytes.format(bytes)
                        + " (setrlimit RLIMIT_DATA " + soft + " failed); nothing was changed.");
            }
            before = original;
            beyond = false;
            current = new MemoryLimit(bytes, soft);
            return current;
        }
    }

    /** Takes the cap away and restores the limit that was there before; false if there was none. */
    public static boolean lift() {
        synchronized (LOCK) {
            if (before == null) {
                return false;
            }
            boolean lifted = Libc.setLimit(Libc.RLIMIT_DATA, before);
            before = null;
            beyond = false;
            current = null;
            Libc.free(spacers);
            spacers = List.of();
            if (mapped) {
                mapped = !Libc.mapFrom(GROWN);
            }
            return lifted;
        }
    }

    /**
     * Lets the JVM go {@link #SLACK} beyond a cap that is used up, to tell of a failure: classes that it cannot load would end
     * it. {@link #settle()} ends that; without a cap both do nothing.
     */
    public static void makeRoom() {
        synchronized (LOCK) {
            if (current != null) {
                Libc.limit(Libc.RLIMIT_DATA).ifPresent(now -> soft(now, now.soft() + SLACK));
            }
        }
    }

    /**
     * Takes the room back but for what the process uses by now, 256 MiB at most, and the 32 MiB that the JVM needs to go on; all
     * of it once memory is free.
     */
    public static void settle() {
        synchronized (LOCK) {
            if (current != null && beyond) {
                long used = Reading.now().process().data().orElse(0);
                Libc.limit(Libc.RLIMIT_DATA)
                        .ifPresent(now -> soft(
                                now, Math.max(current.dataLimit(), Math.min(used, current.dataLimit() + MOST) + REST)));
            }
        }
    }

    private static void soft(Libc.Rlimit now, long wanted) {
        boolean most = wanted < 0 || now.hard() != Libc.UNLIMITED && wanted > now.hard();
        long soft = most ? now.hard() : wanted;
        if (now.soft() != Libc.UNLIMITED && Libc.setLimit(Libc.RLIMIT_DATA, new Libc.Rlimit(soft, now.hard()))) {
            beyond = soft > current.dataLimit();
        }
    }

    /** The cap in force, if {@link #set} set one. */
    public static Optional<MemoryLimit> current() {
        synchronized (LOCK) {
            return Optional.ofNullable(current);
        }
    }

    /** The cap as a limit: its use is the cap less what may still be taken. */
    static Optional<Limit> limit(ProcessMemory process) {
        return current().map(cap -> new Limit(Limit.Kind.CAP, cap.bytes(), cap.used(process)));
    }

    private OptionalLong used(ProcessMemory process) {
        if (process.data().isEmpty() || dataLimit == Libc.UNLIMITED) {
            return process.resident();
        }
        return OptionalLong.of(
                Math.max(0, bytes - Math.max(0, dataLimit - process.data().getAsLong())));
    }

    /** The least whole MiB that works, as a user would type it. */
    private static String smallest(long used) {
        return "\"" + Math.floorDiv(used + SLACK + Bytes.MIB - 1, Bytes.MIB) + " MiB\"";
    }
}

package io.headroom.memory;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/** The few calls of the C library this room needs; absent where the library or a symbol is. */
final class Libc {
    static final int RLIMIT_DATA = 2;
    static final int RLIMIT_AS = 9;
    /** {@code M_MMAP_THRESHOLD} of {@code mallopt(3)}. */
    private static final int MMAP_THRESHOLD = -3;

    /** {@code RLIM_INFINITY} as a signed long. */
    static final long UNLIMITED = -1L;

    private static final Optional<Calls> CALLS = load();
    /** By its file: JNA takes {@code "c"} for the whole process. */
    private static final String GLIBC = "libc.so.6";

    /** Whether malloc is the C library's own; one brought by {@code LD_PRELOAD} it knows nothing of. */
    private static final boolean OWN_MALLOC = ownMalloc();

    private static volatile boolean mallinfo2 = OWN_MALLOC;

    private Libc() {}

    interface Calls extends Library {
        int getrlimit(int resource, Pointer limit);

        int setrlimit(int resource, Pointer limit);

        int malloc_trim(long pad);

        int mallopt(int option, int value);

        Pointer malloc(long size);

        void free(Pointer block);

        MallInfo.ByValue mallinfo2();
    }

    @Structure.FieldOrder({
        "arena",
        "ordblks",
        "smblks",
        "hblks",
        "hblkhd",
        "usmblks",
        "fsmblks",
        "uordblks",
        "fordblks",
        "keepcost"
    })
    public static class MallInfo extends Structure {
        public long arena;
        public long ordblks;
        public long smblks;
        public long hblks;
        public long hblkhd;
        public long usmblks;
        public long fsmblks;
        public long uordblks;
        public long fordblks;
        public long keepcost;

        public static final class ByValue extends MallInfo implements Structure.ByValue {}
    }

    /** Soft and hard limit; {@link #UNLIMITED} where there is none. */
    record Rlimit(long soft, long hard) {}

    static Optional<Rlimit> limit(int resource) {
        if (!Platform.isLinux() || CALLS.isEmpty()) {
            return Optional.empty();
        }
        try (Memory pair = new Memory(16)) {
            return CALLS.get().getrlimit(resource, pair) == 0
                    ? Optional.of(new Rlimit(pair.getLong(0), pair.getLong(8)))
                    : Optional.empty();
        }
    }

    static boolean setLimit(int resource, Rlimit limit) {
        if (!Platform.isLinux() || CALLS.isEmpty()) {
            return false;
        }
        try (Memory pair = new Memory(16)) {
            pair.setLong(0, limit.soft());
            pair.setLong(8, limit.hard());
            return CALLS.get().setrlimit(resource, pair) == 0;
        }
    }

    static boolean trim() {
        if (!OWN_MALLOC || CALLS.isEmpty()) {
            return false;
        }
        try {
            CALLS.get().malloc_trim(0);
            return true;
        } catch (UnsatisfiedLinkError e) {
            return false;
        }
    }

    /** Blocks of that size or more are mapped each on its own from here on; glibc then raises the size no more by itself. */
    static boolean mapFrom(long bytes) {
        if (!OWN_MALLOC || CALLS.isEmpty()) {
            return false;
        }
        try {
            return CALLS.get().mallopt(MMAP_THRESHOLD, Math.toIntExact(bytes)) == 1;
        } catch (UnsatisfiedLinkError e) {
            return false;
        }
    }

    static NativeHeap nativeHeap() {
        if (!mallinfo2 || CALLS.isEmpty()) {
            return NativeHeap.unknown();
        }
        try {
            MallInfo info = CALLS.get().mallinfo2();
            return new NativeHeap(
                    OptionalLong.of(info.uordblks + info.hblkhd),
                    OptionalLong.of(info.fordblks),
                    OptionalLong.of(info.hblkhd));
        } catch (UnsatisfiedLinkError e) {
            mallinfo2 = false;
            return NativeHeap.unknown();
        }
    }

    /**
     * Makes small holes in malloc's arena of this thread: of twice as many blocks every other one is freed at once, so that
     * the holes never join to one that a tensor could take.
     *
     * @return the blocks between the holes, to {@link #free} later
     */
    static List<Pointer> holes(int count, long size) {
        List<Pointer> kept = new ArrayList<>();
        List<Pointer> holes = new ArrayList<>();
        CALLS.ifPresent(calls -> {
            for (int i = 0; i < 2 * count; i++) {
                (i % 2 == 0 ? holes : kept).add(calls.malloc(size));
            }
            holes.stream().filter(Objects::nonNull).forEach(calls::free);
        });
        kept.removeIf(Objects::isNull);
        return kept;
    }

    static void free(List<Pointer> blocks) {
        CALLS.ifPresent(calls -> blocks.forEach(calls::free));
    }

    private static boolean ownMalloc() {
        try {
            return Platform.isLinux()
                    && malloc(NativeLibrary.getProcess()).equals(malloc(NativeLibrary.getInstance(GLIBC)));
        } catch (LinkageError e) {
            return false;
        }
    }

    private static Pointer malloc(NativeLibrary library) {
        return new Pointer(Pointer.nativeValue(library.getFunction("malloc")));
    }

    private static Optional<Calls> load() {
        try {
            return Platform.isLinux() ? Optional.of(Native.load("c", Calls.class)) : Optional.empty();
        } catch (LinkageError e) {
            return Optional.empty();
        }
    }
}

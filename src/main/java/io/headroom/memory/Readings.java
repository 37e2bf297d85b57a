package io.headroom.memory;

import com.sun.jna.Platform;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Takes readings: Linux through {@code /proc} and glibc, other systems through OSHI. */
final class Readings {
    private static final Path PROC = Path.of("/proc");
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

    private Readings() {}

    static Reading take(String stage, Optional<LiveArrays> arrays) {
        boolean linux = Platform.isLinux();
        ProcFs proc = new ProcFs(PROC);
        ProcessMemory process = linux ? proc.process() : OtherSystems.process();
        return new Reading(
                Instant.now(),
                stage,
                process,
                JvmMemory.now(),
                Libc.nativeHeap(),
                arrays,
                Devices.now(),
                limits(process, linux ? proc.physical() : OtherSystems.physical(), linux));
    }

    /** The resident set alone: what a sampler needs. */
    static OptionalLong resident() {
        return Platform.isLinux()
                ? new ProcFs(PROC).process().resident()
                : OtherSystems.process().resident();
    }

    private static List<Limit> limits(ProcessMemory process, Optional<Limit> physical, boolean linux) {
        List<Limit> limits = new ArrayList<>();
        if (linux) {
            Optional<Limit> cap = MemoryLimit.limit(process);
            if (cap.isPresent()) {
                limits.add(cap.get());
            } else {
                rlimit(Limit.Kind.RLIMIT_DATA, Libc.RLIMIT_DATA, process.data()).ifPresent(limits::add);
            }
            rlimit(Limit.Kind.RLIMIT_AS, Libc.RLIMIT_AS, process.virtual()).ifPresent(limits::add);
            Cgroup.limit(PROC, CGROUPS).ifPresent(limits::add);
        }
        physical.ifPresent(limits::add);
        return limits;
    }

    private static Optional<Limit> rlimit(Limit.Kind kind, int resource, OptionalLong used) {
        return Libc.limit(resource)
                .filter(limit -> limit.soft() != Libc.UNLIMITED)
                .map(limit -> new Limit(kind, limit.soft(), used));
    }
}

package io.headroom.memory;

import java.util.Optional;
import java.util.OptionalLong;
import oshi.SystemInfo;
import oshi.hardware.GlobalMemory;
import oshi.software.os.OSProcess;

/** macOS and Windows through OSHI; loaded only there. */
final class OtherSystems {
    private OtherSystems() {}

    static ProcessMemory process() {
        try {
            OSProcess own = Holder.SYSTEM.getOperatingSystem().getCurrentProcess();
            OptionalLong none = OptionalLong.empty();
            return new ProcessMemory(
                    OptionalLong.of(own.getResidentSetSize()),
                    none,
                    none,
                    none,
                    none,
                    none,
                    OptionalLong.of(own.getVirtualSize()),
                    none,
                    OptionalLong.of(own.getThreadCount()));
        } catch (RuntimeException | LinkageError e) {
            return ProcessMemory.unknown();
        }
    }

    static Optional<Limit> physical() {
        try {
            GlobalMemory memory = Holder.SYSTEM.getHardware().getMemory();
            return Optional.of(new Limit(
                    Limit.Kind.PHYSICAL,
                    memory.getTotal(),
                    OptionalLong.of(memory.getTotal() - memory.getAvailable())));
        } catch (RuntimeException | LinkageError e) {
            return Optional.empty();
        }
    }

    private static final class Holder {
        static final SystemInfo SYSTEM = new SystemInfo();
    }
}

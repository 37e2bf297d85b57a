package io.headroom.memory;

import com.sun.jna.Platform;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The accelerators of this machine; the driver's library is looked for once. */
final class Devices {
    private Devices() {}

    static List<DeviceMemory> now() {
        if (Platform.isMac() && Platform.isARM()) {
            return List.of(unified(OtherSystems.physical()));
        }
        try {
            return Holder.NVML.map(Nvml::devices).orElse(List.of());
        } catch (RuntimeException | LinkageError e) {
            return List.of();
        }
    }

    /** Apple silicon: what the process holds is what the GPU holds, so only the capacity is told. */
    static DeviceMemory unified(Optional<Limit> physical) {
        OptionalLong none = OptionalLong.empty();
        OptionalLong total =
                physical.map(limit -> OptionalLong.of(limit.bytes())).orElse(none);
        return new DeviceMemory("MPS (unified memory)", total, none, none, none, List.of(), true);
    }

    private static final class Holder {
        static final Optional<Nvml> NVML = Nvml.open();
    }
}

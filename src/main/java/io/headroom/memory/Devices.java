package io.headroom.memory;

import java.util.List;

/** The accelerators of this machine. */
final class Devices {
    private Devices() {}

    static List<DeviceMemory> now() {
        return List.of();
    }
}

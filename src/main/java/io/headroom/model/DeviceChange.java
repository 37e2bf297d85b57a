package io.headroom.model;

import io.headroom.memory.DeviceMemory;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * A device's memory before and after a load or a release, in bytes.
 *
 * @param device {@code "GPU 0 NVIDIA H200"}
 * @param own whether it is what this process holds, its CUDA context included; else what all processes hold, where the driver
 *     hides one's own (containers, WSL)
 */
public record DeviceChange(String device, boolean own, long before, long after) {

    /**
     * The devices that both readings know and this process uses, or whose memory changed; none where there is no device, or it
     * shares the machine's memory.
     */
    static List<DeviceChange> between(Reading before, Reading after) {
        List<DeviceChange> changes = new ArrayList<>();
        for (DeviceMemory earlier : before.devices()) {
            for (DeviceMemory later : after.devices()) {
                if (!earlier.unified() && earlier.name().equals(later.name())) {
                    change(earlier, later, changes);
                }
            }
        }
        return List.copyOf(changes);
    }

    private static void change(DeviceMemory earlier, DeviceMemory later, List<DeviceChange> changes) {
        boolean own = earlier.own().isPresent() || later.own().isPresent();
        OptionalLong from = own ? OptionalLong.of(earlier.own().orElse(0)) : earlier.used();
        OptionalLong to = own ? OptionalLong.of(later.own().orElse(0)) : later.used();
        if (from.isPresent() && to.isPresent() && (own || !from.equals(to))) {
            changes.add(new DeviceChange(earlier.name(), own, from.getAsLong(), to.getAsLong()));
        }
    }

    /** Bytes it grew by; below 0 if it shrank. */
    public long added() {
        return after - before;
    }

    /** Whose bytes they are: {@code this process} or {@code all processes}. */
    public String whose() {
        return own ? "this process" : "all processes";
    }

    /** {@code GPU 0 NVIDIA H200: 512.00 MiB → 2.61 GiB (this process)}. */
    @Override
    public String toString() {
        return device + ": " + Bytes.format(before) + " → " + Bytes.format(after) + " (" + whose() + ")";
    }
}

package io.headroom.memory;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One accelerator's memory, in bytes, as its driver reports it.
 *
 * @param name {@code "GPU 0 NVIDIA H200"}
 * @param total capacity of the device; on unified memory, of the machine
 * @param used taken by all processes
 * @param free not taken
 * @param own taken by this process, context included; absent where the driver hides it (containers, WSL)
 * @param others the other processes on the device
 * @param unified true where host and device share one memory (Apple silicon): do not add it to the process
 */
public record DeviceMemory(
        String name,
        OptionalLong total,
        OptionalLong used,
        OptionalLong free,
        OptionalLong own,
        List<Occupant> others,
        boolean unified) {

    public DeviceMemory {
        others = List.copyOf(others);
    }

    /**
     * The device as a limit, with what all processes hold of it; empty where it is the machine's memory, where this process
     * is known to hold none, or where its driver does not tell.
     */
    public Optional<Limit> limit() {
        boolean idle = own.isPresent() && own.getAsLong() == 0;
        return unified || idle || total.isEmpty() || free.isEmpty()
                ? Optional.empty()
                : Optional.of(new Limit(
                        Limit.Kind.DEVICE, total.getAsLong(), OptionalLong.of(total.getAsLong() - free.getAsLong())));
    }

    /**
     * Another process on the device.
     *
     * @param pid its process id as the driver counts it
     * @param name its program, {@code ""} if hidden
     * @param bytes what it holds; absent where the driver does not say
     */
    public record Occupant(long pid, String name, OptionalLong bytes) {}
}

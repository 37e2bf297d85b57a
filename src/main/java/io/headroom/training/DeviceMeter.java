package io.headroom.training;

import io.headroom.memory.DeviceMemory;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * What this process holds on a CUDA device, sampled: the caching allocator keeps what it once took, so the last sample is the
 * highest unless it gave memory back to serve a request.
 */
final class DeviceMeter implements StepMeter {
    private static final long SAMPLE_NANOS = 2_000_000;

    private final Supplier<List<DeviceMemory>> devices;
    private final boolean own;
    private final long idle;
    private long highest;
    private boolean stopped;

    /**
     * @param devices the driver's readings; this process must be on the device already
     * @throws IllegalStateException if the driver does not tell what this process holds
     */
    DeviceMeter(Supplier<List<DeviceMemory>> devices) {
        this.devices = devices;
        List<DeviceMemory> now = devices.get();
        own = now.stream().anyMatch(device -> device.own().isPresent());
        idle = held(now)
                .orElseThrow(
                        () -> new IllegalStateException(
                                "the driver's library (NVML) tells of "
                                        + now.size()
                                        + " devices and not what this process holds there, so a step on CUDA cannot be measured here."
                                        + " Where it hides processes (a container, WSL), a step can be measured on a machine of one device."));
        highest = idle;
        Thread sampler = new Thread(this::sampleUntilStopped, "headroom-device-peak");
        sampler.setDaemon(true);
        sampler.start();
    }

    /** The largest share of this process; all that is used where the driver hides processes and there is one device. */
    private OptionalLong held(List<DeviceMemory> now) {
        if (own) {
            return now.stream().flatMapToLong(device -> device.own().stream()).max();
        }
        return now.size() == 1 ? now.get(0).used() : OptionalLong.empty();
    }

    @Override
    public long idleBytes() {
        return idle;
    }

    @Override
    public synchronized long roseBytes() {
        sample();
        return highest - idle;
    }

    synchronized long highest() {
        return highest;
    }

    @Override
    public boolean exact() {
        return false;
    }

    @Override
    public synchronized void close() {
        stopped = true;
    }

    private synchronized boolean sample() {
        if (!stopped) {
            highest = Math.max(highest, held(devices.get()).orElse(highest));
        }
        return !stopped;
    }

    private void sampleUntilStopped() {
        while (sample()) {
            LockSupport.parkNanos(SAMPLE_NANOS);
        }
    }
}

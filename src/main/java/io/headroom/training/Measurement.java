package io.headroom.training;

import io.headroom.workload.Workload;
import java.time.Duration;

/**
 * What a step really took, measured on this machine.
 *
 * @param workload what ran
 * @param idleBytes the process before the model existed; on CUDA what it held of the device, its context included
 * @param peakBytes the highest it reached above that, the model included
 * @param duration of the measured step alone: forward, backward, update
 * @param loss of the measured step; {@code NaN} for inference
 * @param exact whether the peak is the kernel's own high-water mark (Linux) rather than a sampled one
 */
public record Measurement(
        Workload workload, long idleBytes, long peakBytes, Duration duration, double loss, boolean exact) {}

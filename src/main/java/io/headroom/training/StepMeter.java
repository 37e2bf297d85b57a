package io.headroom.training;

/** The memory a step is measured in: that of the process, or that of an accelerator. */
interface StepMeter extends AutoCloseable {
    /** Bytes held when it began. */
    long idleBytes();

    /** The most held since, above {@link #idleBytes()}. */
    long roseBytes();

    /** Whether the peak is kept by the system rather than sampled. */
    boolean exact();

    @Override
    void close();
}

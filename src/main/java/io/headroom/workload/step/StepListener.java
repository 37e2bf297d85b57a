package io.headroom.workload.step;

/** Told of every allocation and free of a step, in the order in which they happen. */
public interface StepListener {
    /**
     * A block comes to life.
     *
     * @param id unique within the step
     * @param operator such as {@code "layer 1 · softmax"}
     */
    void allocated(long id, long bytes, Kind kind, Phase phase, String operator);

    /** The block is gone. */
    void freed(long id, long bytes, Kind kind, Phase phase, String operator);
}

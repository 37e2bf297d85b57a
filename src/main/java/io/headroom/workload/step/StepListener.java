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

    /** What follows belongs to this layer of the model, or to {@code "batch"}, {@code "loss"}, {@code "optimizer step"}. */
    default void entered(String layer) {}

    /** Whether it is to be told of the optimizer's temporaries for each weight, even if a weight of that size had its turn. */
    default boolean wantsRepeats() {
        return true;
    }

    /** Both are told, this one first. */
    default StepListener and(StepListener next) {
        StepListener first = this;
        return new StepListener() {
            @Override
            public void allocated(long id, long bytes, Kind kind, Phase phase, String operator) {
                first.allocated(id, bytes, kind, phase, operator);
                next.allocated(id, bytes, kind, phase, operator);
            }

            @Override
            public void freed(long id, long bytes, Kind kind, Phase phase, String operator) {
                first.freed(id, bytes, kind, phase, operator);
                next.freed(id, bytes, kind, phase, operator);
            }

            @Override
            public void entered(String layer) {
                first.entered(layer);
                next.entered(layer);
            }

            @Override
            public boolean wantsRepeats() {
                return first.wantsRepeats() || next.wantsRepeats();
            }
        };
    }
}

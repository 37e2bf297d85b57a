package io.headroom.workload.step;

/** A part of a model: its weights, and what its forward pass does to the tape. */
public abstract class Layer {
    /**
     * Allocates its weights for inputs of this shape.
     *
     * @return the shape of its output
     */
    abstract long[] load(Loader loader, long[] in);

    /** Plays its forward pass. */
    abstract Value forward(Operators ops, Value x);
}

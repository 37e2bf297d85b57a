package io.headroom.workload.step;

import ai.djl.ndarray.types.Shape;
import java.util.List;

/** A part of a model: its weights, and what its forward pass does to the tape. */
public abstract class Layer {
    /** As it is called in the model; empty where it is counted to the layer before. */
    String name() {
        return "";
    }

    /**
     * Allocates its weights for inputs of this shape.
     *
     * @return the shape of its output
     */
    abstract long[] load(Loader loader, long[] in);

    /**
     * Checks how many dimensions an input has.
     *
     * @throws IllegalArgumentException if it has others; says which it needs
     */
    static void needs(String layer, String axes, String example, int dimensions, long[] in) {
        if (in.length != dimensions) {
            throw new IllegalArgumentException(layer + " takes an input of " + dimensions + " dimensions " + axes
                    + ", but gets one of " + in.length + " dimensions: " + new Shape(in)
                    + ". Give the model's input shape with all of them, such as " + example + ".");
        }
    }

    /** What its forward pass made beside the value it returned, of which the loss is taken too. */
    List<Value> others() {
        return List.of();
    }

    /** Plays its forward pass. */
    abstract Value forward(Operators ops, Value x);
}

package io.headroom.training;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.List;

/** What PyTorch's autograd can do and DJL's own interfaces do not offer. */
final class Autograd {
    private static final String ENGINE = "PyTorch";

    private Autograd() {}

    static void requirePyTorch(Engine engine, String what) {
        if (!ENGINE.equals(engine.getEngineName())) {
            throw new UnsupportedOperationException(what + " needs DJL's PyTorch engine, this model runs on "
                    + engine.getEngineName() + ": load it with Engine.getEngine(\"PyTorch\").");
        }
    }

    static boolean recording() {
        return JniUtils.isGradMode();
    }

    static void record(boolean on) {
        JniUtils.setGradMode(on);
    }

    static void seed(long seed) {
        JniUtils.setSeed(seed);
    }

    /** Draws a seed from PyTorch's own generator, so that a run that the user seeded stays reproducible. */
    static long drawSeed(NDManager manager) {
        try (NDArray drawn = manager.randomInteger(0, Integer.MAX_VALUE, new Shape(1), DataType.INT64)) {
            return drawn.toLongArray()[0];
        }
    }

    static void backward(NDArray output, NDArray upstream, boolean keepGraph) {
        JniUtils.backward((PtNDArray) output, (PtNDArray) upstream, keepGraph, false);
    }

    /** The gradient, or null where none has been computed; the handle is the caller's to close. */
    static NDArray gradient(NDArray array) {
        return JniUtils.getGradient((PtNDArray) array);
    }

    static boolean needsGradient(NDArray array) {
        return JniUtils.requiresGrad((PtNDArray) array) || hasHistory(array);
    }

    /**
     * Whether an operation made it under a recorded graph.
     *
     * <p>DJL's {@code requiresGrad} is true for leaves only, and asking a leaf for its {@code grad_fn} ends the JVM; what
     * PyTorch refuses to an array in the middle of a graph tells the two apart.
     */
    static boolean hasHistory(NDArray array) {
        if (!array.getDataType().isFloating() || JniUtils.requiresGrad((PtNDArray) array)) {
            return false;
        }
        try {
            JniUtils.attachGradient((PtNDArray) array, false);
            return false;
        } catch (EngineException e) {
            return true;
        }
    }

    /** The same values as a leaf of a new graph. */
    static NDArray leaf(NDArray array) {
        NDArray leaf = array.stopGradient();
        if (array.getDataType().isFloating() && needsGradient(array)) {
            leaf.setRequiresGradient(true);
        }
        return leaf;
    }

    /**
     * The values in another floating type, with the graph going on through the cast.
     *
     * <p>DJL's {@code toType} casts outside of the graph; an addition in place onto zeros is a cast that PyTorch records.
     */
    static NDArray cast(NDArray array, DataType type) {
        return cast(array, type, array.getManager());
    }

    /** The same into an array that another manager owns. */
    static NDArray cast(NDArray array, DataType type, NDManager owner) {
        return array.getDataType() == type
                ? array
                : owner.zeros(array.getShape(), type, array.getDevice()).addi(array);
    }

    /** Each once: a block used in several places lists its parameters under a name for each. */
    static List<Parameter> trainable(Block block) {
        return block.getParameters().values().stream()
                .distinct()
                .filter(Parameter::isInitialized)
                .filter(Parameter::requiresGradient)
                .toList();
    }

    static void zeroGradients(Block block) {
        for (Parameter parameter : trainable(block)) {
            try (NDArray gradient = gradient(parameter.getArray())) {
                if (gradient != null) {
                    JniUtils.zeroGrad((PtNDArray) parameter.getArray());
                }
            }
        }
    }
}

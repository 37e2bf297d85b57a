package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import io.headroom.workload.OptimizerKind;
import java.util.ArrayList;
import java.util.List;

/**
 * The engine's own update operators with state that this class owns: DJL's optimizers leave theirs to the garbage
 * collector, which a memory measurement cannot wait for.
 */
final class Updater implements AutoCloseable {
    private static final float RATE = 1e-3f;
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.999f;
    private static final float EPSILON = 1e-8f;
    private static final float NO_CLIP = -1;

    private final OptimizerKind kind;
    private final NDManager states;
    private final List<NDArray> weights = new ArrayList<>();
    private final List<List<NDArray>> statesOf = new ArrayList<>();
    private int count;
    private float rate = RATE;

    Updater(OptimizerKind kind, Block block, NDManager manager) {
        this.kind = kind;
        this.states = manager.newSubManager();
        Autograd.trainable(block).forEach(parameter -> weights.add(parameter.getArray()));
    }

    /** Makes the state without a change of the weights, so that every variant of a model goes on from the same ones. */
    void prime() {
        rate = 0;
        update(1);
        rate = RATE;
    }

    /** Updates once with the gradients over the scale their loss was multiplied with. */
    void update(float lossScale) {
        count++;
        for (int i = 0; i < weights.size(); i++) {
            NDArray weight = weights.get(i);
            if (i == statesOf.size()) {
                statesOf.add(newStates(weight));
            }
            try (NDArray gradient = weight.getGradient()) {
                if (lossScale != 1) {
                    gradient.muli(1 / lossScale);
                }
                update(weight, gradient, statesOf.get(i));
            }
        }
    }

    /** Waits for a device that works on while the host goes on: reading a number back needs all before it. */
    void await() {
        NDArray last = weights.get(weights.size() - 1);
        try (NDArray flat = last.reshape(-1);
                NDArray first = flat.get(0)) {
            first.getFloat();
        }
    }

    private List<NDArray> newStates(NDArray weight) {
        List<NDArray> made = new ArrayList<>();
        for (int i = 0; i < kind.statesPerWeight(); i++) {
            NDArray state = weight.zerosLike();
            state.attach(states);
            made.add(state);
        }
        return made;
    }

    private void update(NDArray weight, NDArray gradient, List<NDArray> state) {
        NDList inputs = new NDList(weight, gradient);
        inputs.addAll(state);
        NDList weightOnly = new NDList(weight);
        switch (kind) {
            case SGD -> weight.getNDArrayInternal().sgdUpdate(inputs, weightOnly, rate, 0, 1, NO_CLIP, 0, true);
            case MOMENTUM -> weight.getNDArrayInternal().sgdUpdate(inputs, weightOnly, rate, 0, 1, NO_CLIP, 0.9f, true);
            case ADAM, ADAMW -> {
                double corrected = rate * Math.sqrt(1 - Math.pow(BETA2, count)) / (1 - Math.pow(BETA1, count));
                weight.getNDArrayInternal()
                        .adamUpdate(
                                inputs,
                                weightOnly,
                                rate,
                                (float) corrected,
                                0,
                                1,
                                NO_CLIP,
                                BETA1,
                                BETA2,
                                EPSILON,
                                true,
                                kind == OptimizerKind.ADAMW);
            }
            default -> throw new IllegalStateException(kind + " has no update in DJL");
        }
    }

    @Override
    public void close() {
        states.close();
    }
}

package io.headroom.workload.step;

import java.util.function.UnaryOperator;

/** A block of several results and the function that picks the one to go on with. */
final class PickLayer extends Layer {
    private final Layer layer;
    private final int handedOn;
    private final UnaryOperator<long[]> picked;
    private final Layer function;

    /**
     * Of two results.
     *
     * @param handedOn which of them the function returns as it is; -1 if it makes something else of them
     */
    PickLayer(Layer layer, int handedOn, UnaryOperator<long[]> picked, Layer function) {
        this.layer = layer;
        this.handedOn = handedOn;
        this.picked = picked;
        this.function = function;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        return picked.apply(layer.load(loader, in));
    }

    @Override
    Value forward(Operators ops, Value x) {
        Value head = layer.forward(ops, x);
        return switch (handedOn) {
            case 0 -> head;
            case 1 -> layer.others().get(0);
            default -> function.forward(ops, head);
        };
    }
}

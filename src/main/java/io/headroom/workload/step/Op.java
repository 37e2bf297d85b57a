package io.headroom.workload.step;

import java.util.ArrayList;
import java.util.List;

/** One operator being described to a {@link Tape}; {@link #makes} or a sibling completes it. */
public final class Op {
    private static final long PASSED_ON = -1;

    private final Tape tape;
    final String name;
    final String layer;
    final List<Storage> kept = new ArrayList<>(3);
    final List<Storage> forwardScratch = new ArrayList<>(0);
    final List<Long> backwardScratch = new ArrayList<>(0);
    final List<Gradient> gradients = new ArrayList<>(3);
    boolean keepsResult;
    boolean ordersGradient;

    Op(Tape tape, String name) {
        this.tape = tape;
        this.name = name;
        this.layer = tape.layer();
    }

    /** Keeps these for the backward pass. */
    public Op keeps(Value... values) {
        for (Value value : values) {
            kept.add(value.storage.hold());
        }
        return this;
    }

    /** Keeps its own result for the backward pass, as softmax and ReLU do. */
    public Op keepsResult() {
        keepsResult = true;
        return this;
    }

    /** Allocates something the model's code never sees, kept for the backward pass: a mask, a contiguous copy. */
    public Op keepsNew(long bytes) {
        kept.add(tape.allocate(bytes, Kind.ACTIVATIONS, name));
        return this;
    }

    /** Allocates something that is free again when the operator is done. */
    public Op scratch(long bytes) {
        forwardScratch.add(tape.allocate(bytes, Kind.TEMPORARY, name));
        return this;
    }

    /** Needs that much in the backward pass, free again when it is done. */
    public Op backwardScratch(long bytes) {
        backwardScratch.add(bytes);
        return this;
    }

    /** Its backward pass copies an incoming gradient that is not in row order. */
    public Op ordersGradient() {
        ordersGradient = true;
        return this;
    }

    /** Its backward pass allocates a gradient in row order for this value. */
    public Op gives(Value value) {
        return flow(value, value.bytes, Layout.IN_ORDER);
    }

    /** Its backward pass allocates a gradient for this value, laid out as the incoming one. */
    public Op givesAlike(Value value) {
        return flow(value, value.bytes, Layout.AS_INCOMING);
    }

    /** Its backward pass allocates a gradient that is not in row order. */
    public Op givesTransposed(Value value) {
        return flow(value, value.bytes, Layout.TRANSPOSED);
    }

    /** Its backward pass hands the incoming gradient on to this value as it is. */
    public Op passes(Value value) {
        return flow(value, PASSED_ON, Layout.AS_INCOMING);
    }

    /** As {@link #passes}, through a change of layout. */
    Op passesTransposed(Value value) {
        return flow(value, PASSED_ON, Layout.TURNED);
    }

    private Op flow(Value value, long bytes, Layout layout) {
        if (value.requiresGradient) {
            gradients.add(new Gradient(value, bytes, layout));
        }
        return this;
    }

    /** Completes the operator: a result in row order. */
    public Value makes(long[] shape, int valueBytes) {
        return tape.finish(this, shape, valueBytes, true);
    }

    /** Completes the operator: a result of the same shape, format and layout. */
    public Value makesLike(Value value) {
        return tape.finish(this, value.shape, value.valueBytes, value.contiguous);
    }

    /** Completes the operator: a result of the same shape and format that is not in row order. */
    public Value makesTransposed(Value value) {
        return tape.finish(this, value.shape, value.valueBytes, false);
    }

    enum Layout {
        IN_ORDER,
        TRANSPOSED,
        AS_INCOMING,
        TURNED
    }

    /** A flow of gradient to a value. */
    record Gradient(Value to, long bytes, Layout layout) {
        boolean isPassedOn() {
            return bytes == PASSED_ON;
        }

        boolean isInOrder(boolean incoming) {
            return switch (layout) {
                case IN_ORDER -> true;
                case TRANSPOSED -> false;
                case AS_INCOMING -> incoming;
                case TURNED -> !incoming;
            };
        }
    }
}

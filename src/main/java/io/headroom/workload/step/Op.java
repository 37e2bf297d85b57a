package io.headroom.workload.step;

import java.util.ArrayList;
import java.util.List;

/** One operator being described to a {@link Tape}; {@link #makes} or a sibling completes it. */
public final class Op {
    private final Tape tape;
    final String name;
    final List<Storage> kept = new ArrayList<>(3);
    final List<Storage> forwardScratch = new ArrayList<>(0);
    final List<Long> backwardScratch = new ArrayList<>(0);
    final List<Gradient> gradients = new ArrayList<>(3);
    boolean keepsResult;

    Op(Tape tape, String name) {
        this.tape = tape;
        this.name = name;
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

    /** Its backward pass allocates a gradient for this value. */
    public Op gives(Value value, long bytes) {
        if (value.requiresGradient) {
            gradients.add(new Gradient(value, bytes));
        }
        return this;
    }

    /** Its backward pass hands the incoming gradient on to this value as it is. */
    public Op passes(Value value) {
        if (value.requiresGradient) {
            gradients.add(new Gradient(value, -1));
        }
        return this;
    }

    /** Completes the operator: a result in row order that the model's code sees. */
    public Value makes(long bytes) {
        return tape.finish(this, bytes, true);
    }

    /** Completes the operator: a result in another layout. */
    public Value makes(long bytes, boolean contiguous) {
        return tape.finish(this, bytes, contiguous);
    }

    /** A flow of gradient; negative bytes pass the incoming one on. */
    record Gradient(Value to, long bytes) {}
}

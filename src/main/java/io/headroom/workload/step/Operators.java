package io.headroom.workload.step;

/**
 * DJL's operators on libtorch's CPU kernels: what each allocates forward and back.
 *
 * <p>Read from the allocation sequence of libtorch 2.7.1 under DJL 0.35.1. Sizes are bytes of whole tensors. For one
 * thread.
 */
public final class Operators {
    private final Tape tape;
    private final boolean training;

    public Operators(Tape tape, boolean training) {
        this.tape = tape;
        this.training = training;
    }

    public Tape tape() {
        return tape;
    }

    /** {@code x · Wᵀ + b}; a transposed input is copied into row order first, and the copy is what the backward keeps. */
    public Value linear(Value x, Value weight, Value bias, long outBytes) {
        Op op = tape.op("linear");
        if (x.isContiguous()) {
            op.keeps(x, weight);
        } else {
            op.keeps(weight).keepsNew(x.bytes());
        }
        if (bias != null) {
            op.gives(bias, bias.bytes());
        }
        return op.gives(weight, weight.bytes()).gives(x, x.bytes()).makes(outBytes);
    }

    /** Batched matrix product; operands that are not in row order are copied and the copies kept. */
    public Value matMul(Value left, Value right, long outBytes) {
        Op op = tape.op("matmul");
        for (Value operand : new Value[] {left, right}) {
            if (operand.isContiguous()) {
                op.keeps(operand);
            } else {
                op.keepsNew(operand.bytes());
            }
        }
        return op.gives(left, left.bytes()).gives(right, right.bytes()).makes(outBytes);
    }

    public Value scale(Value x) {
        return tape.op("scale").gives(x, x.bytes()).makes(x.bytes());
    }

    public Value softmax(Value x) {
        return tape.op("softmax").keepsResult().gives(x, x.bytes()).makes(x.bytes());
    }

    /** Nothing at rate 0 or outside training; else a mask of the values' own format beside the result. */
    public Value dropout(Value x, double rate) {
        if (rate == 0 || !training) {
            return x;
        }
        return tape.op("dropout").keepsNew(x.bytes()).gives(x, x.bytes()).makes(x.bytes(), x.isContiguous());
    }

    public Value add(Value left, Value right) {
        return tape.op("add").passes(left).passes(right).makes(left.bytes(), left.isContiguous());
    }

    public Value relu(Value x) {
        return tape.op("relu").keepsResult().gives(x, x.bytes()).makes(x.bytes(), x.isContiguous());
    }

    /** {@code [a, b, …]} to another shape: free where the layout allows, else a copy. */
    public Value reshape(Value x) {
        if (x.isContiguous()) {
            return tape.view(x, true);
        }
        return tape.op("reshape").passes(x).makes(x.bytes());
    }

    public Value transpose(Value x) {
        return tape.view(x, false);
    }

    /** Batch normalization over the last axis, as the encoder uses it: the result comes back transposed. */
    public Value batchNormLastAxis(Value x, Value gamma, Value beta) {
        return tape.op("batch norm")
                .keeps(x, gamma)
                .gives(gamma, gamma.bytes())
                .gives(beta, beta.bytes())
                .gives(x, x.bytes())
                .makes(x.bytes(), false);
    }

    public Value subtract(Value left, Value right) {
        return tape.op("subtract").passes(left).makes(left.bytes());
    }

    public Value square(Value x) {
        return tape.op("square")
                .keeps(x)
                .backwardScratch(x.bytes())
                .gives(x, x.bytes())
                .makes(x.bytes());
    }

    public Value mean(Value x, long valueBytes) {
        return tape.op("mean").gives(x, x.bytes()).makes(valueBytes);
    }
}

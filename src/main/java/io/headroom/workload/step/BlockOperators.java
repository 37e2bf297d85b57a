package io.headroom.workload.step;

/** What blocks of DJL's {@code nn} that are seldom used need beside {@link Operators}. */
final class BlockOperators {
    private static final int INDEX_BYTES = 8;

    private BlockOperators() {}

    /** Batch normalization of slices, which are stacked again: a copy. */
    static Value ghostBatchNorm(Operators ops, Value x, Value gamma, Value beta) {
        Value slices = ops.tape().parts(x);
        Value normal = ops.tape()
                .op("batch norm")
                .keeps(x, gamma)
                .gives(gamma)
                .gives(beta)
                .gives(slices)
                .makes(x.shape(), x.valueBytes());
        return ops.tape().op("stack").passes(normal).makesLike(normal);
    }

    /** {@code [batch, parts, in] → [batch, parts, units]}, a matrix for each part; the result is not in row order. */
    static Value linearCollection(Operators ops, Value x, Value weight, Value bias, long[] shape) {
        Op op = ops.tape().op("linear").keeps(x, weight);
        if (bias != null) {
            op.gives(bias);
        }
        op.gives(weight).givesTransposed(x);
        return ops.tape().finish(op, shape, x.valueBytes(), false);
    }

    /** Values times each of a block's weights: both gradients are as large as the result before they are summed. */
    static Value multiplication(Operators ops, Value x, Value weight, long[] shape) {
        long bytes = Tape.size(shape, x.valueBytes());
        return ops.tape()
                .op("multiply")
                .keeps(x, weight)
                .backwardScratch(bytes)
                .backwardScratch(x.requiresGradient() ? bytes : 0)
                .gives(weight)
                .gives(x)
                .makes(shape, x.valueBytes());
    }

    /** A softmax of the largest {@code k}: their places as rows of zeros and a one, in whole numbers and as floats. */
    static Value sparseMax(Operators ops, Value x, int k) {
        Tape tape = ops.tape();
        long[] shape = x.shape();
        tape.op("sort").scratch(x.bytes()).makes(shape, INDEX_BYTES);
        for (int i = 0; i < k; i++) {
            tape.op("one hot").makes(shape, INDEX_BYTES);
            tape.op("one hot").makes(shape, x.valueBytes());
        }
        Value mask =
                tape.op("mask").scratch(Math.multiplyExact(x.bytes(), (long) k)).makesLike(x);
        Value power = tape.op("exp").keepsResult().givesAlike(x).makesLike(x);
        Value chosen = tape.op("multiply").keeps(mask).givesAlike(power).makesLike(power);
        Value sum = tape.op("sum").passes(chosen).makes(x.shapeWithLast(1), x.valueBytes());
        Value again = tape.op("exp").keepsResult().givesAlike(x).makesLike(x);
        Value chosenAgain = tape.op("multiply").keeps(mask).givesAlike(again).makesLike(again);
        return tape.op("divide")
                .keeps(chosenAgain, sum)
                .backwardScratch(Math.multiplyExact(x.bytes(), 3L))
                .gives(sum)
                .gives(chosenAgain)
                .makesLike(x);
    }
}

package io.headroom.workload.step;

/** Batch or layer normalization. */
final class NormLayer extends Layer {
    private final boolean batch;
    private final int axis;
    private final boolean sliced;
    private Value gamma;
    private Value beta;

    private NormLayer(boolean batch, int axis, boolean sliced) {
        this.batch = batch;
        this.axis = axis;
        this.sliced = sliced;
    }

    static NormLayer batch(int axis) {
        return new NormLayer(true, axis, false);
    }

    /** Batch normalization of slices of the batch. */
    static NormLayer ghost(int axis) {
        return new NormLayer(true, axis, true);
    }

    static NormLayer layer() {
        return new NormLayer(false, -1, false);
    }

    @Override
    long[] load(Loader loader, long[] in) {
        int at = axis < 0 ? in.length - 1 : axis;
        if (at >= in.length) {
            throw new IllegalArgumentException("batch norm over axis " + at + " gets an input of " + in.length
                    + " dimensions: give one that has this axis, or optAxis another.");
        }
        gamma = loader.weight("gamma", in[at]);
        beta = loader.weight("beta", in[at]);
        if (batch) {
            loader.buffer("running statistics", 2 * in[at]);
        }
        return in;
    }

    @Override
    Value forward(Operators ops, Value x) {
        if (!batch) {
            return ops.layerNorm(x, gamma, beta);
        }
        if (sliced) {
            return BlockOperators.ghostBatchNorm(ops, x, gamma, beta);
        }
        return axis == 1 || axis < 0 ? ops.batchNorm(x, gamma, beta) : ops.batchNormLastAxis(x, gamma, beta);
    }
}

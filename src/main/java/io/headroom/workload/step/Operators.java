package io.headroom.workload.step;

/**
 * DJL's operators on libtorch's CPU kernels: what each allocates forward and back.
 *
 * <p>Read from the allocation sequence of libtorch 2.7.1 under DJL 0.35.1. For one thread.
 */
public final class Operators {
    private static final int INDEX_BYTES = 8;
    private static final int SUM_BYTES = 4;
    private static final long SCORES = 3;
    private static final long SCORES_WITH_DROPOUT = 5;
    private static final long PLAIN_CHANNELS = 15;
    private static final long CHANNEL_BLOCK = 16;
    /* What oneDNN's LSTM writes, in its output and the wider of that and its input: chosen on sixteen measured steps. */
    private static final double LSTM_KEPT = 4.8;
    private static final double LSTM_KEPT_WIDE = 0.6;
    private static final double LSTM_KEPT_BACK = 1.8;
    private static final double LSTM_SCRATCH = 5.1;
    private static final double LSTM_SCRATCH_WIDE = 3.9;
    private static final double LSTM_SCRATCH_BACK = 2.1;
    private static final long LSTM_SCRATCH_WEIGHTS = 4;

    private final Tape tape;
    private final boolean training;

    public Operators(Tape tape, boolean training) {
        this.tape = tape;
        this.training = training;
    }

    public Tape tape() {
        return tape;
    }

    /** Whether a backward pass follows. */
    public boolean training() {
        return training;
    }

    /**
     * {@code x · Wᵀ + b}; a transposed input is copied into row order first, and the copy is what the backward of a trained
     * weight keeps. A batch of one needs no copy: it is one matrix, which a product reads in either order. A weight of another
     * format is cast first.
     */
    public Value linear(Value x, Value weight, Value bias) {
        Value w = cast(weight, x.valueBytes());
        Value b = bias == null ? null : cast(bias, x.valueBytes());
        Op op = tape.op("linear").ordersGradient().keeps(w);
        if (x.isContiguous() || x.dim(0) == 1) {
            op.keeps(x);
        } else if (w.requiresGradient()) {
            op.keepsNew(x.bytes());
        } else {
            op.scratch(x.bytes());
        }
        if (b != null) {
            op.gives(b);
        }
        return op.gives(w).gives(x).makes(x.shapeWithLast(weight.dim(0)), x.valueBytes());
    }

    /** The same values in another number format. */
    public Value cast(Value x, int valueBytes) {
        return x.valueBytes() == valueBytes ? x : tape.op("cast").gives(x).makes(x.shape(), valueBytes);
    }

    /**
     * Attention in slices of the queries, computed again in the backward pass: the scores of one slice live at a time.
     *
     * @param scoreBytes of the whole score matrices
     */
    public Value chunkedAttention(Value q, Value k, Value v, long scoreBytes, long chunks, double dropout) {
        long slice = scoreBytes / chunks;
        long tensors = dropout > 0 && training ? SCORES_WITH_DROPOUT : SCORES;
        return tape.op("chunked attention")
                .keeps(q, k, v)
                .scratch(Math.multiplyExact(slice, tensors))
                .scratch(Math.multiplyExact(q.bytes(), 3L))
                .backwardScratch(Math.multiplyExact(slice, tensors + 1))
                .backwardScratch(Math.multiplyExact(q.bytes(), 4L))
                .gives(q)
                .gives(k)
                .gives(v)
                .makes(v.shape(), v.valueBytes());
    }

    /** Fused attention: a log-sum-exp for each row instead of the scores. */
    public Value fusedAttention(Value q, Value k, Value v) {
        return tape.op("sdpa")
                .keeps(q, k, v)
                .keepsNew(q.bytes() / q.dim(-1) / q.valueBytes() * SUM_BYTES)
                .keepsResult()
                .gives(q)
                .gives(k)
                .gives(v)
                .makes(q.shape(), q.valueBytes());
    }

    /**
     * Batched matrix product of {@code [a, b, n, k]} and {@code [a, b, k, m]}; what is not in row order is copied, unless one of
     * a and b is 1, so that the two are one dimension as they lie.
     */
    public Value matMul(Value left, Value right, long... shape) {
        Op op = tape.op("matmul").ordersGradient();
        for (Value operand : new Value[] {left, right}) {
            if (operand.isContiguous() || operand.dim(0) == 1 || operand.dim(1) == 1) {
                op.keeps(operand);
            } else {
                op.keepsNew(operand.bytes());
            }
        }
        return op.gives(right).gives(left).makes(shape, left.valueBytes());
    }

    public Value scale(Value x) {
        return tape.op("scale").givesAlike(x).makesLike(x);
    }

    public Value softmax(Value x) {
        return tape.op("softmax").keepsResult().givesAlike(x).makesLike(x);
    }

    /** Nothing at rate 0 or outside training; else a mask of the values' own format beside the result. */
    public Value dropout(Value x, double rate) {
        if (rate == 0 || !training) {
            return x;
        }
        return tape.op("dropout").keepsNew(x.bytes()).givesAlike(x).makesLike(x);
    }

    public Value add(Value left, Value right) {
        return tape.op("add").passes(left).passes(right).makesLike(left);
    }

    /** An activation whose derivative is computed from its result: ReLU, sigmoid, tanh. */
    public Value activation(String name, Value x) {
        return tape.op(name).keepsResult().givesAlike(x).makesLike(x);
    }

    /** An activation whose derivative is computed from its input: GELU, ELU, softplus. */
    public Value activationOfInput(String name, Value x) {
        return tape.op(name).keeps(x).givesAlike(x).makesLike(x);
    }

    /** To another shape: free where the layout allows, else a copy. */
    public Value reshape(Value x, long... shape) {
        if (x.isContiguous()) {
            return tape.view(x, shape, true);
        }
        return tape.op("reshape").passes(x).makes(shape, x.valueBytes());
    }

    /** The middle dimensions swapped, a view: in row order still if one of them is 1. */
    public Value transpose(Value x, long... shape) {
        return tape.view(x, shape, x.isContiguous() && (shape[1] == 1 || shape[2] == 1));
    }

    /** Batch normalization over axis 1. */
    public Value batchNorm(Value x, Value gamma, Value beta) {
        return normal("batch norm", x, gamma, beta).gives(x).makesLike(x);
    }

    /** Batch normalization over the last axis, as the encoder uses it: the result comes back transposed. */
    public Value batchNormLastAxis(Value x, Value gamma, Value beta) {
        return normal("batch norm", x, gamma, beta).givesTransposed(x).makesTransposed(x);
    }

    /** Layer normalization; keeps mean and deviation of each row. */
    public Value layerNorm(Value x, Value gamma, Value beta) {
        Op op = normal("layer norm", x, gamma, beta).ordersGradient();
        long rows = 2 * (x.bytes() / x.dim(-1));
        return op.keepsNew(rows).gives(x).makes(x.shape(), x.valueBytes());
    }

    private Op normal(String name, Value x, Value gamma, Value beta) {
        Op op = tape.op(name).keeps(x);
        if (gamma != null) {
            op.keeps(gamma).gives(gamma).gives(beta);
        }
        return op;
    }

    /**
     * Two-dimensional convolution: oneDNN computes on blocks of 16 channels and copies in and out of that layout; few
     * input channels it reads as they are.
     */
    public Value conv(Value x, Value weight, Value bias, long[] shape) {
        long blockedOut = blocked(shape, x.valueBytes());
        long blockedIn = x.dim(1) > PLAIN_CHANNELS ? blocked(x.shape, x.valueBytes()) : 0;
        long blockedWeight = blockedIn == 0 ? 0 : weight.bytes();
        Op op = tape.op("conv").keeps(x, weight).ordersGradient();
        op.scratch(blockedIn).scratch(blockedWeight).scratch(blockedOut);
        op.backwardScratch(blockedOut).backwardScratch(blockedIn).backwardScratch(blockedWeight);
        if (bias != null) {
            op.gives(bias);
        }
        return op.gives(weight).gives(x).makes(shape, x.valueBytes());
    }

    private static long blocked(long[] shape, int valueBytes) {
        long[] padded = shape.clone();
        padded[1] = (padded[1] + CHANNEL_BLOCK - 1) / CHANNEL_BLOCK * CHANNEL_BLOCK;
        return Tape.size(padded, valueBytes);
    }

    /** Max pooling keeps an index of 8 bytes for each result. */
    public Value maxPool(Value x, long[] shape) {
        return tape.op("max pool")
                .keeps(x)
                .keepsNew(Tape.size(shape, INDEX_BYTES))
                .gives(x)
                .makes(shape, x.valueBytes());
    }

    public Value avgPool(Value x, long[] shape) {
        return tape.op("average pool").keeps(x).gives(x).makes(shape, x.valueBytes());
    }

    /** Rows of a table, one for each token. */
    public Value embedding(Value tokens, Value table, int valueBytes) {
        long[] shape = java.util.Arrays.copyOf(tokens.shape(), tokens.rank() + 1);
        shape[tokens.rank()] = table.dim(-1);
        return tape.op("embedding").keeps(tokens).gives(table).makes(shape, valueBytes);
    }

    public Value subtract(Value left, Value right) {
        return tape.op("subtract").passes(left).makesLike(left);
    }

    /** Its derivative is that of a power: {@code grad · (2 · x¹)}, each factor an array. */
    public Value square(Value x) {
        Op op = tape.op("square").keeps(x).backwardScratch(x.bytes()).backwardScratch(x.bytes());
        return op.gives(x).makesLike(x);
    }

    public Value mean(Value x) {
        return tape.op("mean").gives(x).makes(new long[0], x.valueBytes());
    }

    public Value logSoftmax(Value x) {
        return tape.op("log softmax").keepsResult().gives(x).makes(x.shape(), x.valueBytes());
    }

    /** The entry of each row that an index names. */
    public Value pick(Value x, Value index) {
        return tape.op("pick").keeps(index).gives(x).makes(x.shapeWithLast(1), x.valueBytes());
    }

    /** A part of a value; its gradient is spread over zeros of the whole. */
    public Value slice(Value x, long[] shape) {
        Op op = tape.op("slice").gives(x);
        return op.makes(shape, x.valueBytes());
    }

    /**
     * One LSTM layer on oneDNN: a workspace of gates, states and their differences for all positions is kept, and a
     * scratchpad lives while the layer runs. Each is 20 times the output; what is written of them, and so counts, was
     * measured: some grows with the output, some with the wider of input and output, the scratchpad with the weights too.
     * Against the sequence, oneDNN copies input and result in and out of its workspace besides. Without a backward pass there is
     * no workspace: the result in oneDNN's layout beside the one handed on, and those copies.
     */
    public Value lstm(
            Value x, Value inputWeights, Value hiddenWeights, Value inputBias, Value hiddenBias, boolean against) {
        long units = hiddenWeights.dim(-1);
        long[] shape = x.shapeWithLast(units);
        long output = Tape.size(shape, x.valueBytes());
        long wide = Math.max(output, x.bytes());
        if (!training) {
            Op op = tape.op("lstm").scratch(inputWeights.bytes()).scratch(hiddenWeights.bytes());
            op.scratch(against ? 2 * wide + 3 * output / 2 : 0);
            return op.scratch(output).makes(shape, x.valueBytes());
        }
        Op op = tape.op("lstm")
                .keeps(x)
                .keepsNew(Math.round(output * LSTM_KEPT + wide * (LSTM_KEPT_WIDE + (against ? LSTM_KEPT_BACK : 0))))
                .scratch(inputWeights.bytes())
                .scratch(hiddenWeights.bytes())
                .backwardScratch(Math.round(
                        output * (LSTM_SCRATCH + (against ? LSTM_SCRATCH_BACK : 0)) + wide * LSTM_SCRATCH_WIDE))
                .backwardScratch(Math.multiplyExact(inputWeights.bytes() + hiddenWeights.bytes(), LSTM_SCRATCH_WEIGHTS))
                .backwardScratch(x.requiresGradient() ? 0 : x.bytes())
                .gives(inputWeights)
                .gives(hiddenWeights);
        if (inputBias != null) {
            op.gives(inputBias).gives(hiddenBias);
        }
        return op.gives(x).makes(shape, x.valueBytes());
    }
}

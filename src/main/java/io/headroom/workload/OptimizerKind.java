package io.headroom.workload;

/**
 * What the optimizer keeps for each weight, beyond the weight and its gradient.
 *
 * <p>Figures are those of PyTorch's own implementations (and bitsandbytes for 8-bit Adam: two bytes a weight and for each 256
 * weights two scales in 32 bit; the state of tensors under 4 096 values stays in 32 bit).
 */
public enum OptimizerKind {
    SGD(0),
    MOMENTUM(1),
    ADAM(2),
    ADAMW(2),
    ADAGRAD(1),
    RMSPROP(1),
    ADAFACTOR(0),
    ADAM8BIT(2);

    private static final long SMALLEST_QUANTIZED = 4096;
    private static final long QUANTIZED_BLOCK = 256;

    private final int statesPerWeight;

    OptimizerKind(int statesPerWeight) {
        this.statesPerWeight = statesPerWeight;
    }

    /** How many tensors of the weight's own shape the optimizer keeps. */
    public int statesPerWeight() {
        return statesPerWeight;
    }

    /**
     * Bytes of state for one weight tensor.
     *
     * @param rows the product of all dimensions but the last (1 for a vector)
     * @param columns the last dimension
     * @param valueBytes bytes of one state value
     */
    public long stateBytes(long rows, long columns, int valueBytes) {
        long values = rows * columns;
        return switch (this) {
            case ADAFACTOR -> (rows > 1 ? rows + columns : values) * valueBytes;
            case ADAM8BIT ->
                values < SMALLEST_QUANTIZED ? values * 8 : values * 2 + ((values - 1) / QUANTIZED_BLOCK + 1) * 8;
            default -> values * statesPerWeight * valueBytes;
        };
    }

    /**
     * Bytes of state for one weight tensor of a shape. Adafactor keeps one value for each row of the last two dimensions and one for
     * each column of them (Shazeer and Stern 2018), for every matrix of a weight with more.
     */
    public long stateBytes(long[] shape, int valueBytes) {
        long values = 1;
        for (long length : shape) {
            values = Math.multiplyExact(values, length);
        }
        long columns = shape[shape.length - 1];
        return this == ADAFACTOR && shape.length > 1
                ? (values / columns + values / shape[shape.length - 2]) * valueBytes
                : stateBytes(values / columns, columns, valueBytes);
    }

    /** Whether DJL's PyTorch engine can really run this optimizer's update. */
    public boolean runsInDjl() {
        return this == SGD || this == MOMENTUM || this == ADAM || this == ADAMW;
    }
}

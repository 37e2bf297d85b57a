package io.headroom.workload;

/**
 * The number format of weights and activations.
 *
 * <p>{@code FP32}, {@code FP16} and {@code BF16} hold everything in that format; {@code AUTOCAST} keeps weights,
 * gradients and optimizer state in fp32 and computes matrix products in half, as {@code torch.autocast} does.
 */
public enum Precision {
    FP32(4),
    FP16(2),
    BF16(2),
    AUTOCAST(2);

    private final int activationBytes;

    Precision(int activationBytes) {
        this.activationBytes = activationBytes;
    }

    /** Bytes of one stored weight or gradient. */
    public int weightBytes() {
        return this == AUTOCAST ? 4 : activationBytes;
    }

    /** Bytes of one value that a matrix product writes. */
    public int activationBytes() {
        return activationBytes;
    }
}

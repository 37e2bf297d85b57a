package io.headroom.workload.step;

/**
 * A tensor on the {@link Tape}: its shape, its layout, and whether a gradient flows into it.
 *
 * <p>Belongs to one tape and one thread.
 */
public final class Value {
    final Storage storage;
    final long[] shape;
    final int valueBytes;
    final long bytes;
    final boolean contiguous;
    final boolean requiresGradient;
    final boolean leaf;
    Storage gradient;
    boolean gradientInOrder;
    boolean gradientPassedOn;

    Value(Storage storage, long[] shape, int valueBytes, boolean contiguous, boolean requiresGradient, boolean leaf) {
        this.storage = storage;
        this.shape = shape;
        this.valueBytes = valueBytes;
        this.bytes = Tape.size(shape, valueBytes);
        this.contiguous = contiguous;
        this.requiresGradient = requiresGradient;
        this.leaf = leaf;
    }

    /** Bytes of its values. */
    public long bytes() {
        return bytes;
    }

    /** Bytes of one value: 4 for fp32. */
    public int valueBytes() {
        return valueBytes;
    }

    /** A dimension; negative counts from the last. */
    public long dim(int axis) {
        return shape[axis < 0 ? shape.length + axis : axis];
    }

    /** How many dimensions. */
    public int rank() {
        return shape.length;
    }

    /** Its dimensions. */
    public long[] shape() {
        return shape.clone();
    }

    /** Its dimensions with the last one replaced. */
    public long[] shapeWithLast(long last) {
        long[] changed = shape.clone();
        changed[changed.length - 1] = last;
        return changed;
    }

    /** Whether its values lie in row order. */
    public boolean isContiguous() {
        return contiguous;
    }

    /** Whether a gradient flows into it. */
    public boolean requiresGradient() {
        return requiresGradient;
    }
}

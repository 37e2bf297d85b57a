package io.headroom.workload.step;

/**
 * A tensor on the {@link Tape}: its bytes, its layout, and whether a gradient flows into it.
 *
 * <p>Belongs to one tape and one thread.
 */
public final class Value {
    final Storage storage;
    final long bytes;
    final boolean contiguous;
    final boolean requiresGradient;
    final boolean leaf;
    Storage gradient;

    Value(Storage storage, long bytes, boolean contiguous, boolean requiresGradient, boolean leaf) {
        this.storage = storage;
        this.bytes = bytes;
        this.contiguous = contiguous;
        this.requiresGradient = requiresGradient;
        this.leaf = leaf;
    }

    /** Bytes of its values. */
    public long bytes() {
        return bytes;
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

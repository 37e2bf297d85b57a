package io.headroom.budget.cuda;

/** The storage of one or more tensors: born at one allocation, freed after the last operator that touches it. */
final class Memory {
    static final String GRADIENT = "gradient";
    static final int FOREVER = Integer.MAX_VALUE;

    final long bytes;
    final String operator;
    final int phase;
    int last;
    int holders;
    boolean gradient;

    /** The operator that made it, or what it became. */
    String label() {
        return gradient ? GRADIENT : operator;
    }

    Memory(long bytes, String operator, int phase, int last) {
        this.bytes = bytes;
        this.operator = operator;
        this.phase = phase;
        this.last = last;
    }
}

package io.headroom.workload;

/** How attention is computed, which decides whether the seq × seq matrices are stored. */
public enum Attention {
    /** Every score matrix is written out and kept for the backward pass. */
    EAGER,
    /** Query rows in chunks that are recomputed in the backward pass: one chunk of scores lives at a time. */
    CHUNKED,
    /** Fused kernel (flash or memory-efficient): only a log-sum-exp per row is kept. */
    SDPA
}

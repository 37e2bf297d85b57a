package io.headroom.workload;

/** How several devices share one model. */
public enum Sharding {
    NONE,
    /** Every device holds everything; gradients are averaged. */
    DDP,
    /** Optimizer state is divided. */
    ZERO1,
    /** Optimizer state and gradients are divided. */
    ZERO2,
    /** Weights too, as in FSDP: each layer is gathered while it runs. */
    ZERO3,
    /** Each weight matrix, and the work on it, is divided. */
    TENSOR
}

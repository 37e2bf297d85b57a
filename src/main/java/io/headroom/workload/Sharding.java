package io.headroom.workload;

/** How several devices share one model. */
public enum Sharding {
    NONE,
    /** Every device holds everything and a part of the batch; gradients are averaged through buffers of their size. */
    DDP,
    /** Optimizer state is divided among the devices (ZeRO stage 1, arXiv 1910.02054). */
    ZERO1,
    /** Optimizer state and gradients are divided. */
    ZERO2,
    /** Weights too, as in FSDP: each layer is whole while it runs. */
    ZERO3,
    /** Heads, feed-forward and vocabulary are divided, the batch is not (tensor parallelism, arXiv 2205.05198, table 2). */
    TENSOR
}

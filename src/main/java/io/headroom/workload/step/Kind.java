package io.headroom.workload.step;

/** What a block of memory holds. */
public enum Kind {
    WEIGHTS,
    GRADIENTS,
    OPTIMIZER,
    INPUT,
    ACTIVATIONS,
    TEMPORARY
}

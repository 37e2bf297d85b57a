package io.headroom.workload;

/** Where gradients are dropped or zeroed in the training loop. */
public enum ZeroGrad {
    /** Zeroed in place after each update, as DJL's optimizers do: gradients stay allocated for good. */
    IN_PLACE,
    /** Set to none before the forward pass. */
    BEFORE_FORWARD,
    /** Set to none between forward and backward. */
    BEFORE_BACKWARD,
    /** Set to none right after the update. */
    AFTER_STEP
}

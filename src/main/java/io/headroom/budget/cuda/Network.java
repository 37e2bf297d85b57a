package io.headroom.budget.cuda;

import java.util.List;

/** What a training loop needs of a model: a batch on the device, and a forward pass with its loss. */
interface Network {
    /** The loss, null in inference, and what else the returned object keeps alive. */
    record Outputs(Value loss, List<Value> kept) {}

    List<Value> inputs();

    /** Runs the model; {@code returned} is called when its result replaces the one before. */
    Outputs forward(List<Value> inputs, Runnable returned);

    /** What the loop computes from the output once the update is made, kept until it is computed again. */
    default List<Value> after() {
        return List.of();
    }
}

package io.headroom.budget.cuda;

import java.util.List;

/** What a training loop needs of a model: a batch on the device, and a forward pass with its loss. */
interface Network {
    /** The loss, null in inference, what else the returned object keeps alive, and the leaves of the graph that are no weights. */
    record Outputs(Value loss, List<Value> kept, List<Value> leaves) {
        Outputs(Value loss, List<Value> kept) {
            this(loss, kept, List.of());
        }

        /** Its loss is replaced, and with it goes the graph: the leaves and their gradients. */
        void replaced(Tape tape) {
            tape.use(loss);
            for (Value leaf : leaves) {
                tape.use(leaf);
                if (leaf.leaf.gradient != null) {
                    tape.use(leaf.leaf.gradient.memory());
                    leaf.leaf.gradient.memory().gradient = false;
                }
            }
        }
    }

    List<Value> inputs();

    /** Runs the model; {@code returned} is called when its result replaces the one before. */
    Outputs forward(List<Value> inputs, Runnable returned);

    /** What the loop computes from the output once the update is made, kept until it is computed again. */
    default List<Value> after() {
        return List.of();
    }
}

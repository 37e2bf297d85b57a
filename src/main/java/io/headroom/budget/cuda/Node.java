package io.headroom.budget.cuda;

/** One node of the autograd graph: its inputs, what it saved, and how its backward allocates. */
final class Node {
    /** Allocates the gradients of the inputs (null where none is due), given those of the outputs. */
    interface Backward {
        Grad[] run(Grad[] outputs);
    }

    final Value[] inputs;
    final Memory[] saved;
    final Grad[] buffer;
    final Backward backward;
    boolean reachable;

    Node(Value[] inputs, Memory[] saved, int outputs, Backward backward) {
        this.inputs = inputs;
        this.saved = saved;
        this.buffer = new Grad[outputs];
        this.backward = backward;
    }
}

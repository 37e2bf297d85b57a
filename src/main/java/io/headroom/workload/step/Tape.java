package io.headroom.workload.step;

import io.headroom.units.Bytes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Plays operators forward and back and tells a {@link StepListener} what that does to memory.
 *
 * <p>The rules are autograd's: an operator keeps what its derivative needs until its backward has run; gradients of a
 * tensor used twice are summed in place where nothing else holds them; a weight's gradient is added to the one it has or
 * taken over. On top come DJL's: an array made by the model's code lives until the {@link #close scope} of its
 * {@code NDManager} ends, whether or not autograd needs it.
 *
 * <pre>{@code
 * Tape tape = new Tape(listener);
 * Value weight = tape.weight(4 * 128 * 128);
 * tape.open();
 * Value x = tape.input(65_536);
 * Value y = tape.op("linear").keeps(x, weight).gives(weight, weight.bytes()).makes(65_536);
 * tape.backward(y);
 * tape.close();
 * }</pre>
 *
 * <p>For one thread.
 */
public final class Tape {
    private final StepListener listener;
    private final Deque<List<Storage>> scopes = new ArrayDeque<>();
    private final List<Node> nodes = new ArrayList<>();
    private Phase phase = Phase.LOAD;
    private String prefix = "";
    private boolean recording = true;
    private long nextId;

    public Tape(StepListener listener) {
        this.listener = listener;
        scopes.push(new ArrayList<>());
    }

    /** Enters a phase of the step. */
    public void enter(Phase next) {
        phase = next;
    }

    /** What is put before operators' names from now on: {@code "layer 3 · "}. */
    public void section(String name) {
        prefix = name.isEmpty() ? "" : name + " · ";
    }

    /** Whether operators are kept for a backward pass. */
    public void record(boolean on) {
        recording = on;
    }

    /** Begins a scope: what operators make from now on is freed by {@link #close()}. */
    public void open() {
        scopes.push(new ArrayList<>());
    }

    /** Ends the innermost scope. */
    public void close() {
        for (Storage storage : scopes.pop()) {
            drop(storage, "scope closed");
        }
    }

    /** Allocates a trained weight. */
    public Value weight(String name, long bytes) {
        return leaf(name, bytes, true);
    }

    /** Allocates a weight that is not trained. */
    public Value frozen(String name, long bytes) {
        return leaf(name, bytes, false);
    }

    /** Gives a weight the gradient and state that every step but the first meets. */
    public void addState(Value weight, String name, long stateBytes, boolean gradient) {
        if (gradient) {
            weight.gradient = allocate(weight.bytes, Kind.GRADIENTS, name + " gradient");
        }
        if (stateBytes > 0) {
            held(allocate(stateBytes, Kind.OPTIMIZER, name + " state"));
        }
    }

    private Value leaf(String name, long bytes, boolean trained) {
        return new Value(held(allocate(bytes, Kind.WEIGHTS, name)), bytes, true, trained, true);
    }

    /** Allocates input data in the current scope. */
    public Value input(String name, long bytes) {
        return new Value(held(allocate(bytes, Kind.INPUT, name)), bytes, true, false, true);
    }

    /** The same memory as a leaf that a gradient flows into: the input of a recomputed segment. */
    public Value detached(Value value) {
        return new Value(value.storage, value.bytes, value.contiguous, true, false);
    }

    /** The same memory in another layout: transpose, reshape of neighbours, slice. */
    public Value view(Value value, boolean contiguous) {
        Value view = new Value(value.storage, value.bytes, contiguous, value.requiresGradient, false);
        if (recording && value.requiresGradient) {
            Op op = op("view").passes(value);
            nodes.add(new Node(op, view));
        }
        return view;
    }

    /** A temporary that lives only for this moment. */
    public void scratch(String operator, long... bytes) {
        List<Storage> made = new ArrayList<>();
        for (long size : bytes) {
            made.add(allocate(size, Kind.TEMPORARY, operator));
        }
        made.forEach(storage -> drop(storage, operator));
    }

    /** Starts an operator. */
    public Op op(String name) {
        return new Op(this, prefix.isEmpty() ? name : prefix.concat(name));
    }

    /** Runs the backward pass from a value whose gradient is allocated here. */
    public void backward(Value target) {
        backward(target, allocate(target.bytes, Kind.TEMPORARY, "gradient of the loss"));
    }

    private void backward(Value target, Storage gradient) {
        target.gradient = gradient;
        for (int i = nodes.size() - 1; i >= 0; i--) {
            run(nodes.get(i));
        }
        nodes.clear();
    }

    /** Frees a value's gradient, as {@code zero_grad(set_to_none=True)} does for a weight. */
    public void dropGradient(Value value) {
        if (value.gradient != null) {
            drop(value.gradient, "zero_grad");
            value.gradient = null;
        }
    }

    private void run(Node node) {
        Storage gradient = node.made.gradient;
        node.made.gradient = null;
        if (gradient == null) {
            node.op.kept.forEach(storage -> drop(storage, node.op.name));
            return;
        }
        List<Storage> temporaries = new ArrayList<>();
        for (long bytes : node.op.backwardScratch) {
            temporaries.add(allocate(bytes, Kind.TEMPORARY, node.op.name));
        }
        List<Op.Gradient> flows = node.op.gradients;
        Storage[] made = new Storage[flows.size()];
        for (int i = 0; i < made.length; i++) {
            Op.Gradient flow = flows.get(i);
            Kind kind = flow.to().leaf && flow.to().gradient == null ? Kind.GRADIENTS : Kind.TEMPORARY;
            made[i] = flow.bytes() < 0 ? gradient.hold() : allocate(flow.bytes(), kind, node.op.name);
        }
        node.op.kept.forEach(storage -> drop(storage, node.op.name));
        temporaries.forEach(storage -> drop(storage, node.op.name));
        drop(gradient, node.op.name);
        for (int i = 0; i < made.length; i++) {
            deliver(flows.get(i).to(), made[i], node.op.name);
        }
    }

    private void deliver(Value to, Storage gradient, String operator) {
        if (to.gradient == null) {
            to.gradient = to.leaf && gradient.kind != Kind.GRADIENTS ? copied(gradient, operator) : gradient;
        } else if (to.leaf || !to.gradient.isShared()) {
            drop(gradient, operator);
        } else {
            Storage sum = allocate(to.gradient.bytes, Kind.TEMPORARY, operator);
            drop(to.gradient, operator);
            drop(gradient, operator);
            to.gradient = sum;
        }
    }

    private Storage copied(Storage gradient, String operator) {
        Storage own = allocate(gradient.bytes, Kind.GRADIENTS, operator);
        drop(gradient, operator);
        return own;
    }

    Value finish(Op op, long bytes, boolean contiguous) {
        boolean flows = recording && !op.gradients.isEmpty();
        Storage made = allocate(bytes, Kind.ACTIVATIONS, op.name);
        op.forwardScratch.forEach(storage -> drop(storage, op.name));
        Value value = new Value(made, bytes, contiguous, flows, false);
        if (flows) {
            if (op.keepsResult) {
                op.kept.add(made.hold());
            }
            nodes.add(new Node(op, value));
        } else {
            op.kept.forEach(storage -> drop(storage, op.name));
        }
        held(made);
        return value;
    }

    Storage allocate(long bytes, Kind kind, String operator) {
        if (bytes < 0) {
            throw new ArithmeticException(operator + " would take more than 2^63 bytes");
        }
        Storage storage = new Storage(nextId++, bytes, kind);
        listener.allocated(storage.id, bytes, kind, phase, operator);
        return storage;
    }

    void drop(Storage storage, String operator) {
        if (storage.drop()) {
            listener.freed(storage.id, storage.bytes, storage.kind, phase, operator);
        }
    }

    private Storage held(Storage storage) {
        scopes.peek().add(storage);
        return storage;
    }

    /** Bytes of a tensor, checked against overflow. */
    public static long size(long... factors) {
        return Bytes.times(factors);
    }

    private record Node(Op op, Value made) {}
}

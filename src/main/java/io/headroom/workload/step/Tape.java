package io.headroom.workload.step;

import io.headroom.units.Bytes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
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
 * Value weight = tape.weight("weight", new long[] {128, 128}, 4, true);
 * tape.open();
 * Value x = tape.input("input", new long[] {32, 128}, 4);
 * Value y = tape.op("linear").keeps(x, weight).gives(weight).makes(new long[] {32, 128}, 4);
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
    private String layer = "";
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

    /** Which layer of the model operators belong to from now on; their backward pass belongs to it too. */
    public void layer(String name) {
        if (!name.equals(layer)) {
            layer = name;
            listener.entered(name);
        }
    }

    String layer() {
        return layer;
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

    /** Ends the innermost scope; what this value needs moves to the scope around it. */
    public void closeKeeping(Value value) {
        held(value.storage.hold(), scopes.size() - 2);
        close();
    }

    /** Frees a value before its scope ends. */
    public void release(Value value) {
        for (List<Storage> scope : scopes) {
            if (scope.remove(value.storage)) {
                drop(value.storage, "closed");
                return;
            }
        }
    }

    /** Allocates a weight. */
    public Value weight(String name, long[] shape, int valueBytes, boolean trained) {
        Storage storage = held(allocate(size(shape, valueBytes), Kind.WEIGHTS, name));
        return new Value(storage, shape, valueBytes, true, trained, true);
    }

    /** Gives a weight the gradient that every step but the first meets. */
    public void addGradient(Value weight, String name) {
        weight.gradient = allocate(weight.bytes, Kind.GRADIENTS, name);
    }

    /** Allocates optimizer state for good. */
    public void addState(String name, long bytes) {
        if (bytes > 0) {
            held(allocate(bytes, Kind.OPTIMIZER, name));
        }
    }

    /** Allocates a buffer in the current scope. */
    public void buffer(String name, long bytes) {
        if (bytes > 0) {
            held(allocate(bytes, Kind.TEMPORARY, name));
        }
    }

    /** Allocates input data in the current scope. */
    public Value input(String name, long[] shape, int valueBytes) {
        Storage storage = held(allocate(size(shape, valueBytes), Kind.INPUT, name));
        return new Value(storage, shape, valueBytes, true, false, false);
    }

    /** The same memory cut off from the graph, a gradient flowing into it or not. */
    public Value detached(Value value, boolean requiresGradient) {
        return new Value(value.storage, value.shape, value.valueBytes, value.contiguous, requiresGradient, false);
    }

    /** The same memory in another shape or layout: transpose, reshape of neighbours, slice. */
    public Value view(Value value, long[] shape, boolean contiguous) {
        Value view = new Value(value.storage, shape, value.valueBytes, contiguous, value.requiresGradient, false);
        if (recording && value.requiresGradient) {
            Op op = op("view");
            nodes.add(new Node(contiguous == value.contiguous ? op.passes(value) : op.passesTransposed(value), view));
        }
        return view;
    }

    /** As {@link #view}, cut into parts, whose gradients are put together in an array of their own. */
    public Value parts(Value value) {
        Value parts = detached(value, value.requiresGradient);
        if (recording && value.requiresGradient) {
            nodes.add(new Node(op("split").gives(value), parts));
        }
        return parts;
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
        backward(target, allocate(target.bytes, Kind.TEMPORARY, "gradient of the loss"), true);
    }

    /** Runs the backward pass from a value with the gradient that reached another: the border of a segment. */
    public void backward(Value target, Value border) {
        Storage gradient = border.gradient;
        border.gradient = null;
        held(gradient);
        backward(target, gradient.hold(), border.gradientInOrder);
    }

    private void backward(Value target, Storage gradient, boolean inOrder) {
        if (target.requiresGradient) {
            target.gradient = gradient;
            target.gradientInOrder = inOrder;
        } else {
            drop(gradient, "gradient that flows no further");
        }
        for (int i = nodes.size() - 1; i >= 0; i--) {
            run(nodes.get(i));
        }
        nodes.clear();
    }

    /** Copies the gradient that reached a detached value to the value it was detached from. */
    public void handOver(Value detached, Value original) {
        if (detached.gradient == null) {
            return;
        }
        if (original.requiresGradient) {
            original.gradient = allocate(detached.bytes, Kind.TEMPORARY, "gradient of a segment");
            original.gradientInOrder = detached.gradientInOrder;
        }
        drop(detached.gradient, "gradient of a segment");
        detached.gradient = null;
    }

    /** Keeps the gradient that reached a value until the current scope ends, whatever becomes of it. */
    public void keepGradient(Value value) {
        if (value.gradient != null) {
            held(value.gradient.hold());
        }
    }

    /** Frees a value's gradient, as {@code zero_grad(set_to_none=True)} does for a weight. */
    public void dropGradient(Value value) {
        if (value.gradient != null) {
            drop(value.gradient, "zero_grad");
            value.gradient = null;
        }
    }

    private void run(Node node) {
        Op op = node.op;
        layer(op.layer);
        Storage gradient = node.made.gradient;
        boolean inOrder = node.made.gradientInOrder;
        node.made.gradient = null;
        if (gradient == null) {
            dropAll(op.kept, op.name);
            return;
        }
        if (op.ordersGradient && !inOrder) {
            Storage ordered = allocate(gradient.bytes, Kind.TEMPORARY, op.name);
            drop(gradient, op.name);
            gradient = ordered;
            inOrder = true;
        }
        List<Storage> temporaries = new ArrayList<>(op.backwardScratch.size());
        for (long bytes : op.backwardScratch) {
            temporaries.add(allocate(bytes, Kind.TEMPORARY, op.name));
        }
        Storage[] made = new Storage[op.gradients.size()];
        for (int i = 0; i < made.length; i++) {
            Op.Gradient flow = op.gradients.get(i);
            Kind kind = flow.to().leaf && flow.to().gradient == null ? Kind.GRADIENTS : Kind.TEMPORARY;
            made[i] = flow.isPassedOn() ? gradient.hold() : allocate(flow.bytes(), kind, op.name);
        }
        dropAll(op.kept, op.name);
        dropAll(temporaries, op.name);
        drop(gradient, op.name);
        for (int i = 0; i < made.length; i++) {
            deliver(op.gradients.get(i), made[i], inOrder, op.name);
        }
    }

    private void deliver(Op.Gradient flow, Storage gradient, boolean inOrder, String operator) {
        Value to = flow.to();
        if (to.gradient == null) {
            to.gradient = to.leaf && gradient.kind != Kind.GRADIENTS ? copied(gradient, operator) : gradient;
            to.gradientInOrder = flow.isInOrder(inOrder);
            to.gradientPassedOn = flow.isPassedOn();
        } else if (to.leaf || !to.gradientPassedOn && !to.gradient.isShared()) {
            drop(gradient, operator);
        } else {
            Storage sum = allocate(to.gradient.bytes, Kind.TEMPORARY, operator);
            drop(to.gradient, operator);
            drop(gradient, operator);
            to.gradient = sum;
            to.gradientPassedOn = false;
        }
    }

    private void dropAll(List<Storage> storages, String operator) {
        for (Storage storage : storages) {
            drop(storage, operator);
        }
    }

    private Storage copied(Storage gradient, String operator) {
        Storage own = allocate(gradient.bytes, Kind.GRADIENTS, operator);
        drop(gradient, operator);
        return own;
    }

    Value finish(Op op, long[] shape, int valueBytes, boolean contiguous) {
        boolean flows = recording && !op.gradients.isEmpty();
        Storage made = allocate(size(shape, valueBytes), Kind.ACTIVATIONS, op.name);
        dropAll(op.forwardScratch, op.name);
        Value value = new Value(made, shape, valueBytes, contiguous, flows, false);
        if (flows) {
            if (op.keepsResult) {
                op.kept.add(made.hold());
            }
            nodes.add(new Node(op, value));
        } else {
            dropAll(op.kept, op.name);
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

    private void held(Storage storage, int depth) {
        int level = scopes.size() - 1;
        for (List<Storage> scope : scopes) {
            if (level-- == depth) {
                scope.add(storage);
                return;
            }
        }
    }

    /** Bytes of a tensor, checked against overflow. */
    static long size(long[] shape, int valueBytes) {
        long product = valueBytes;
        for (long dimension : shape) {
            long high = Math.multiplyHigh(product, dimension);
            product *= dimension;
            if (high != 0 || product < 0) {
                throw tooLarge(shape, valueBytes);
            }
        }
        return product;
    }

    private static ArithmeticException tooLarge(long[] shape, int valueBytes) {
        long[] factors = Arrays.copyOf(shape, shape.length + 1);
        factors[shape.length] = valueBytes;
        try {
            Bytes.times(factors);
        } catch (ArithmeticException e) {
            return e;
        }
        return new ArithmeticException("a tensor of more than 2^63 bytes");
    }

    private record Node(Op op, Value made) {}
}

package io.headroom.budget.cuda;

import io.headroom.trace.Trace;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Records which tensors a step allocates, in which order, and when the last reference to each is dropped.
 *
 * <p>A tape is PyTorch's eager execution with the numbers left out. The forward pass records nodes; {@link #backward} runs
 * them in autograd's order (highest sequence number first, {@code AccumulateGrad} as soon as it is ready) with autograd's
 * rules for gradients that meet: added in place only where the buffer holds the last reference and is no view, stolen by
 * a parameter rather than copied where nobody else holds them. Sources: {@code torch/csrc/autograd/engine.cpp}, {@code
 * input_buffer.cpp}, {@code functions/accumulate_grad.h}, 2.6.
 */
final class Tape {
    static final int MOST_TENSORS = 2_000_000;
    private static final long MOST = 1L << 60;

    private final CudaStep step;
    private final List<Memory> memories = new ArrayList<>(4096);
    private final List<String> phases = new ArrayList<>();
    private final Set<String> once = new HashSet<>();
    private final Autocast autocast;
    private final long cublasBytes;
    private List<Node> nodes = new ArrayList<>();
    private final boolean training;
    private boolean recording;
    private long allocated;

    Tape(CudaStep step) {
        this.step = step;
        autocast = new Autocast(step);
        cublasBytes = CublasWorkspace.of(step);
        training = !step.inference();
        recording = training;
    }

    long cublasBytes() {
        return cublasBytes;
    }

    Autocast autocast() {
        return autocast;
    }

    void phase(String name) {
        phases.add(name);
    }

    /**
     * Allocates; the bytes live until the last {@link #use}.
     *
     * @throws ArithmeticException where all steps together allocate more than an EiB: sums of them stay exact
     * @throws IllegalArgumentException after {@link #MOST_TENSORS}, each of which takes heap here
     */
    Memory alloc(long bytes, String operator) {
        if (bytes < 0 || bytes > MOST - allocated) {
            throw new ArithmeticException(bytes + " bytes for " + operator + " after " + allocated);
        }
        allocated += bytes;
        Memory memory = new Memory(bytes, operator, phases.size() - 1, memories.size());
        if (bytes > 0) {
            if (memories.size() == MOST_TENSORS) {
                throw Limits.tooMany(step, phases);
            }
            memories.add(memory);
        }
        return memory;
    }

    /** Allocates what lives as long as the process. */
    Memory permanent(long bytes, String operator) {
        Memory memory = alloc(bytes, operator);
        memory.last = Memory.FOREVER;
        return memory;
    }

    /** The same, where it was not allocated before. */
    void once(long bytes, String operator) {
        if (once.add(operator)) {
            permanent(bytes, operator);
        }
    }

    void use(Memory memory) {
        if (memory != null && memory.last != Memory.FOREVER) {
            memory.last = memories.size() - 1;
        }
    }

    void use(Value... values) {
        for (Value value : values) {
            if (value != null) {
                use(value.memory);
            }
        }
    }

    /** Whether modules are in training mode: {@code module.training}. */
    boolean training() {
        return training;
    }

    /** Whether a graph is built: {@code torch.is_grad_enabled()}. */
    boolean recording() {
        return recording;
    }

    /**
     * Runs a part of the network without a graph and again, with one, when its gradient is due. Only the input is saved.
     *
     * <p>Source: {@code CheckpointFunction} in {@code torch/utils/checkpoint.py} 2.6, the reentrant kind that transformers'
     * {@code gradient_checkpointing_enable} takes: the backward runs the part on a detached input, then a backward pass of its
     * own while it holds the recomputed output and the gradient it was given. States of the random generators are on the host.
     */
    Value checkpoint(Value input, UnaryOperator<Value> part) {
        return checkpoint(new Value[] {input}, inputs -> new Value[] {part.apply(inputs[0])})[0];
    }

    /** The same with several inputs and outputs, of which any may be null; outputs that nobody uses get a gradient of zeros. */
    Value[] checkpoint(Value[] inputs, UnaryOperator<Value[]> part) {
        recording = false;
        Value[] plain = part.apply(detached(inputs, false));
        recording = true;
        Memory[] saved = new Memory[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            saved[i] = inputs[i] == null ? null : inputs[i].memory;
        }
        Node node = node(inputs, saved, plain.length, g -> {
            for (int i = 0; i < plain.length; i++) {
                if (plain[i] != null && g[i] == null) {
                    g[i] = new Grad(alloc(plain[i].bytes(), "zeros"), false);
                }
            }
            return again(detached(inputs, true), part, g);
        });
        Value[] outputs = new Value[plain.length];
        for (int i = 0; i < plain.length; i++) {
            outputs[i] = plain[i] == null
                    ? null
                    : new Value(plain[i].memory, plain[i].shape, plain[i].element, node, i, false, null);
        }
        return outputs;
    }

    private static Value[] detached(Value[] values, boolean trained) {
        Value[] leaves = new Value[values.length];
        for (int i = 0; i < values.length; i++) {
            Value value = values[i];
            if (value != null) {
                Value.Leaf leaf = trained && value.needsGradient() ? new Value.Leaf("checkpointed input") : null;
                leaves[i] = new Value(value.memory, value.shape, value.element, null, 0, false, leaf);
            }
        }
        return leaves;
    }

    private Grad[] again(Value[] leaves, UnaryOperator<Value[]> part, Grad[] given) {
        List<Node> outer = nodes;
        nodes = new ArrayList<>();
        autocast.enter();
        Value[] outputs = part.apply(leaves);
        autocast.leave(this);
        List<Node> graph = nodes;
        nodes = outer;
        held(given, 1);
        run(graph, outputs, given);
        held(given, -1);
        use(outputs);
        Grad[] gradients = new Grad[leaves.length];
        for (int i = 0; i < leaves.length; i++) {
            if (leaves[i] != null && leaves[i].leaf != null && leaves[i].leaf.gradient != null) {
                gradients[i] = leaves[i].leaf.gradient;
                gradients[i].memory().gradient = false;
            }
        }
        return gradients;
    }

    private static void held(Grad[] gradients, int times) {
        for (Grad gradient : gradients) {
            if (gradient != null) {
                gradient.memory().holders += times;
            }
        }
    }

    /** Adds a node if any input needs a gradient; answers null where none does. */
    Node node(Value[] inputs, Memory[] saved, int outputs, Node.Backward backward) {
        if (!recording) {
            return null;
        }
        boolean needed = false;
        for (Value input : inputs) {
            needed |= input != null && input.needsGradient();
        }
        if (!needed) {
            return null;
        }
        Node node = new Node(inputs, saved, outputs, backward);
        nodes.add(node);
        return node;
    }

    /** Runs the graph below a loss and forgets it. */
    void backward(Value loss) {
        Memory seed = alloc(loss.bytes(), "ones_like");
        List<Node> graph = nodes;
        nodes = new ArrayList<>();
        run(graph, new Value[] {loss}, new Grad[] {new Grad(seed, false)});
        use(seed);
    }

    private void run(List<Node> graph, Value[] ends, Grad[] gradients) {
        mark(graph, ends);
        for (int i = 0; i < ends.length; i++) {
            if (ends[i] != null) {
                give(ends[i], gradients[i]);
            }
        }
        for (Value end : ends) {
            if (end != null && end.source == null && end.leaf != null && end.leaf.pending == 0) {
                accumulate(end);
            }
        }
        for (int i = graph.size() - 1; i >= 0; i--) {
            Node node = graph.get(i);
            if (node.reachable) {
                execute(node);
                graph.set(i, null);
            }
        }
    }

    private static void mark(List<Node> graph, Value[] ends) {
        for (Value end : ends) {
            reach(end);
        }
        for (int i = graph.size() - 1; i >= 0; i--) {
            Node node = graph.get(i);
            if (node.reachable) {
                for (Value input : node.inputs) {
                    reach(input);
                }
            }
        }
    }

    private static void reach(Value value) {
        if (value == null) {
            return;
        }
        if (value.source != null) {
            value.source.reachable = true;
        } else if (value.leaf != null) {
            value.leaf.pending++;
        }
    }

    private void execute(Node node) {
        for (Grad incoming : node.buffer) {
            if (incoming != null) {
                incoming.memory().holders--;
            }
        }
        Grad[] outgoing = node.backward.run(node.buffer);
        for (Grad incoming : node.buffer) {
            if (incoming != null) {
                use(incoming.memory());
            }
        }
        for (Memory memory : node.saved) {
            use(memory);
        }
        for (Grad grad : outgoing) {
            if (grad != null) {
                use(grad.memory());
                grad.memory().holders++;
            }
        }
        for (int i = 0; i < outgoing.length; i++) {
            if (outgoing[i] != null) {
                outgoing[i].memory().holders--;
            }
            give(node.inputs[i], outgoing[i]);
        }
        for (Value input : node.inputs) {
            if (input != null && input.source == null && input.leaf != null && input.leaf.pending == 0) {
                accumulate(input);
            }
        }
    }

    private void give(Value target, Grad grad) {
        if (target == null || !target.needsGradient()) {
            return;
        }
        if (target.leaf != null && target.source == null) {
            target.leaf.pending--;
            if (grad != null) {
                target.leaf.buffer = join(target.leaf.buffer, seen(target, grad));
            }
        } else if (grad != null) {
            Grad[] buffer = target.source.buffer;
            buffer[target.port] = join(buffer[target.port], seen(target, grad));
        }
    }

    private static Grad seen(Value target, Grad grad) {
        return target.viewed && !grad.view() ? new Grad(grad.memory(), true) : grad;
    }

    private Grad join(Grad old, Grad grad) {
        if (old == null) {
            grad.memory().holders++;
            return grad;
        }
        use(old.memory());
        use(grad.memory());
        if (old.memory().holders == 1 && !old.view()) {
            return old;
        }
        Memory sum = alloc(old.memory().bytes, "add");
        use(old.memory());
        use(grad.memory());
        old.memory().holders--;
        sum.holders++;
        return new Grad(sum, false);
    }

    /** {@code AccumulateGrad}: the first gradient is stolen if nobody else holds it, later ones are added in place. */
    private void accumulate(Value parameter) {
        Value.Leaf leaf = parameter.leaf;
        Grad grad = leaf.buffer;
        leaf.buffer = null;
        if (grad == null) {
            return;
        }
        use(grad.memory());
        grad.memory().holders--;
        if (leaf.gradient != null) {
            use(leaf.gradient.memory());
        } else if (grad.memory().holders == 0) {
            leaf.gradient = grad;
            grad.memory().gradient = true;
        } else {
            leaf.gradient = new Grad(alloc(grad.memory().bytes, "clone"), false);
            leaf.gradient.memory().gradient = true;
            use(grad.memory());
        }
    }

    /** The events in order: each allocation, then the frees of all that was touched for the last time. */
    Trace trace() {
        int count = memories.size();
        int[] head = new int[count];
        int[] next = new int[count];
        java.util.Arrays.fill(head, -1);
        for (int i = count - 1; i >= 0; i--) {
            int last = memories.get(i).last;
            if (last != Memory.FOREVER) {
                next[i] = head[last];
                head[last] = i;
            }
        }
        Trace.Builder builder = Trace.builder();
        int phase = -1;
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            Memory memory = memories.get(i);
            if (memory.phase != phase) {
                phase = memory.phase;
                builder.phase(phases.get(phase));
            }
            ids[i] = builder.alloc(memory.bytes, memory.label());
            for (int dead = head[i]; dead >= 0; dead = next[dead]) {
                builder.free(ids[dead]);
            }
        }
        return builder.build();
    }
}

package io.headroom.budget.cuda;

/**
 * PyTorch's operators as what they allocate: outputs, what autograd saves, and the gradients in the order they are made. Here those
 * that work element by element, and the casts between types; {@link LayerOps} has the rest.
 *
 * <p>Source of every rule: {@code tools/autograd/derivatives.yaml} and {@code FunctionsManual.cpp} of PyTorch 2.6 for what
 * is saved and which gradient is computed first, the CUDA kernels under {@code aten/src/ATen/native/cuda} for outputs and
 * masks. In-place operators allocate nothing and say so in their name.
 */
class Ops {
    static final Memory[] NOTHING = {};
    static final int FLOAT = 4;
    static final int HALF = 2;
    private static final long LARGEST = 1L << 55;

    final Tape tape;

    Ops(Tape tape) {
        this.tape = tape;
    }

    final Value result(
            long bytes, String name, long[] shape, int element, Value[] inputs, Memory[] saved, Node.Backward back) {
        return wrap(tape.alloc(bytes, name), shape, element, inputs, saved, back);
    }

    final Value wrap(Memory memory, long[] shape, int element, Value[] inputs, Memory[] saved, Node.Backward back) {
        tape.use(inputs);
        return new Value(memory, shape, element, tape.node(inputs, saved, 1, back), 0, false, null);
    }

    final Grad fresh(long bytes, String name) {
        return new Grad(tape.alloc(bytes, name), false);
    }

    final Grad like(Value value, String name) {
        return value.needsGradient() ? fresh(value.bytes(), name) : null;
    }

    static Value[] of(Value... values) {
        return values;
    }

    static Memory[] save(Value... values) {
        Memory[] memories = new Memory[values.length];
        for (int i = 0; i < values.length; i++) {
            memories[i] = values[i] == null ? null : values[i].memory;
        }
        return memories;
    }

    static long[] shape(long... dimensions) {
        return dimensions;
    }

    // -- types
    // ------------------------------------------------------------------------------------------------------------

    /** {@code x.to(type)}: a copy, unless it has that type; the gradient is cast back. */
    final Value to(Value x, int element) {
        return x.element == element
                ? x
                : result(x.count() * element, "to", x.shape, element, of(x), NOTHING, g -> new Grad[] {like(x, "to")});
    }

    /** An input of an operator that autocast runs in half; copies of weights are cached. */
    final Value half(Value x) {
        if (x == null || !tape.autocast().on() || x.element != FLOAT) {
            return x;
        }
        if (x.leaf == null || x.viewed || x.source != null) {
            return to(x, HALF);
        }
        Value copy = tape.autocast().copy(x);
        if (copy == null) {
            copy = to(x, HALF);
            tape.autocast().keep(x, copy);
        }
        return copy;
    }

    /** What an operator is given lives until it returns, even where it reads a copy. */
    final Value during(Value given, Value out) {
        tape.use(given);
        return out;
    }

    /** An input of an operator that autocast runs in fp32. */
    final Value full(Value x) {
        return tape.autocast().on() && x.element == HALF ? to(x, FLOAT) : x;
    }

    /** The engine gives each gradient the shape and the type of its input ({@code validate_outputs} in engine.cpp). */
    private Grad fitted(Grad g, int element, Value input, Value wide) {
        if (!input.needsGradient()) {
            return null;
        }
        Grad grad = g;
        if (input.count() != wide.count()) {
            grad = fresh(input.count() * element, "sum");
            tape.use(g.memory());
        }
        if (input.element != element) {
            Grad cast = fresh(input.bytes(), "to");
            tape.use(grad.memory());
            grad = cast;
        }
        return grad;
    }

    // -- element by element
    // ---------------------------------------------------------------------------------------------

    /** One input, one output, one gradient; {@code saved} tells what the backward reads. */
    final Value unary(String name, Value x, boolean savesInput, boolean savesOutput) {
        Memory out = tape.alloc(x.bytes(), name);
        Memory[] saved = {savesInput ? x.memory : null, savesOutput ? out : null};
        return wrap(out, x.shape, x.element, of(x), saved, g -> new Grad[] {like(x, name + "_backward")});
    }

    final Value gelu(Value x) {
        return unary("gelu", x, true, false);
    }

    final Value silu(Value x) {
        return unary("silu", x, true, false);
    }

    final Value relu(Value x) {
        return unary("relu", x, false, true);
    }

    final Value tanh(Value x) {
        return unary("tanh", x, false, true);
    }

    /** In the type it is given, under autocast in fp32. */
    final Value softmax(Value x) {
        return tape.autocast().on() ? softmaxInFloat(x) : unary("softmax", x, false, true);
    }

    /** {@code softmax(x, dtype=torch.float32)}: the gradient has the type of the input. */
    final Value softmaxInFloat(Value x) {
        Value input = tape.autocast().softmaxWidens() ? x : to(x, FLOAT);
        Memory out = tape.alloc(x.count() * FLOAT, "softmax");
        return wrap(
                out, x.shape, FLOAT, of(input), new Memory[] {out}, g -> new Grad[] {like(input, "softmax_backward")});
    }

    final Value scaled(Value x) {
        return unary("mul", x, false, false);
    }

    /** An in-place activation that keeps its result: the gradient is a tensor of its own. */
    final Value inPlace(String name, Value x, Memory... saved) {
        tape.use(x);
        Node node = tape.node(of(x), saved, 1, g -> new Grad[] {like(x, name + "_backward")});
        return new Value(x.memory, x.shape, x.element, node, 0, false, null);
    }

    /** Adds a constant: the gradient is the incoming one itself. */
    final Value plusConstant(Value x) {
        return result(x.bytes(), "add", x.shape, x.element, of(x), NOTHING, g -> new Grad[] {g[0]});
    }

    /** {@code x³} as transformers' GELUs write it: {@code torch.pow(x, 3.0)}. */
    final Value pow(Value given) {
        Value x = full(given);
        return during(given, result(x.bytes(), "pow", x.shape, x.element, of(x), save(x), g -> {
            Memory power = tape.alloc(x.bytes(), "pow");
            Memory scaled = tape.alloc(x.bytes(), "mul");
            Grad out = fresh(x.bytes(), "mul");
            tape.use(power);
            tape.use(scaled);
            return new Grad[] {out};
        }));
    }

    final Value add(Value a, Value b) {
        Value wide = wider(a, b);
        int element = Math.max(a.element, b.element);
        return result(wide.count() * element, "add", wide.shape, element, of(a, b), NOTHING, g ->
                new Grad[] {fitted(g[0], element, a, wide), fitted(g[0], element, b, wide)});
    }

    /** What the other is spread to: of two as large as each other the one with more dimensions. */
    private static Value wider(Value a, Value b) {
        boolean same = a.count() == b.count();
        return (same ? a.shape.length >= b.shape.length : a.count() > b.count()) ? a : b;
    }

    final Value addInPlace(Value a, Value b) {
        tape.use(a, b);
        Node node = tape.node(of(a, b), NOTHING, 1, g -> new Grad[] {g[0], fitted(g[0], a.element, b, a)});
        return new Value(a.memory, a.shape, a.element, node, 0, false, null);
    }

    final Value mul(Value a, Value b) {
        Value wide = wider(a, b);
        int element = Math.max(a.element, b.element);
        Memory[] saved = {b.needsGradient() ? a.memory : null, a.needsGradient() ? b.memory : null};
        return result(wide.count() * element, "mul", wide.shape, element, of(a, b), saved, g -> {
            Grad second = b.needsGradient() ? fresh(wide.count() * element, "mul") : null;
            Grad first = a.needsGradient() ? fresh(wide.count() * element, "mul") : null;
            return new Grad[] {fitted(first, element, a, wide), fitted(second, element, b, wide)};
        });
    }

    /** The mean over the last dimension, kept; its gradient is spread out again. */
    final Value meanOfRows(Value x) {
        long[] shape = x.shape.clone();
        shape[shape.length - 1] = 1;
        return result(x.rows() * x.element, "mean", shape, x.element, of(x), NOTHING, g -> new Grad[] {like(x, "div")});
    }

    /** {@code rsqrt}: the gradient is {@code -0.5 · g · result³}. */
    final Value rsqrt(Value given) {
        Value x = full(given);
        Memory out = tape.alloc(x.bytes(), "rsqrt");
        return wrap(out, x.shape, x.element, of(x), new Memory[] {out}, g -> {
            Memory cube = tape.alloc(x.bytes(), "pow");
            Memory half = tape.alloc(x.bytes(), "mul");
            Grad grad = fresh(x.bytes(), "mul");
            tape.use(cube);
            tape.use(half);
            return new Grad[] {grad};
        });
    }

    /** Indexing that takes everything ({@code x[:, a:b, :]}): no bytes forward, a zero-filled tensor backward. */
    final Value slice(Value x, int times, long... shape) {
        Value out = x;
        for (int i = 0; i < times; i++) {
            Value from = out;
            Node node = tape.node(of(from), NOTHING, 1, g -> new Grad[] {like(from, "slice_backward")});
            out = new Value(x.memory, i == times - 1 ? shape : x.shape, x.element, node, 0, false, null);
        }
        return out;
    }

    /** A view that several operators read: their gradients meet in it before they go on as one view. */
    final Value alias(Value x, long... dimensions) {
        Node node = tape.node(of(x), NOTHING, 1, g -> new Grad[] {new Grad(g[0].memory(), true)});
        return new Value(x.memory, dimensions, x.element, node, 0, false, null);
    }

    /** {@code cat} along the last dimension; the gradients of the parts are views of the whole. */
    final Value cat(Value a, Value b, long... shape) {
        int element = Math.max(a.element, b.element);
        return result(size(shape) * element, "cat", shape, element, of(a, b), NOTHING, g ->
                new Grad[] {part(g[0], element, a), part(g[0], element, b)});
    }

    private Grad part(Grad whole, int element, Value input) {
        return input.element == element ? new Grad(whole.memory(), true) : like(input, "to");
    }

    /** A contiguous copy of a transposed or expanded tensor. */
    final Value copy(Value x, long... dimensions) {
        long[] to = dimensions.length == 0 ? x.shape : dimensions;
        return result(size(to) * x.element, "clone", to, x.element, of(x), NOTHING, g ->
                new Grad[] {new Grad(g[0].memory(), g[0].view())});
    }

    /**
     * How many values those dimensions have.
     *
     * @throws ArithmeticException beyond 2⁵⁵, so that bytes made of it cannot wrap
     */
    static long size(long[] dimensions) {
        long size = 1;
        for (long dimension : dimensions) {
            size = Math.multiplyExact(size, dimension);
        }
        if (size > LARGEST) {
            throw new ArithmeticException(size + " values in a tensor");
        }
        return size;
    }

    /** Dropout: an output and a mask of one byte an element ({@code native_dropout}); with p = 0 or in inference the input itself. */
    final Value dropout(Value x, double p) {
        if (p <= 0 || !tape.training()) {
            return x;
        }
        Memory out = tape.alloc(x.bytes(), "native_dropout");
        Memory mask = tape.alloc(x.count(), "native_dropout");
        return wrap(out, x.shape, x.element, of(x), new Memory[] {mask}, g ->
                new Grad[] {like(x, "native_dropout_backward")});
    }
}

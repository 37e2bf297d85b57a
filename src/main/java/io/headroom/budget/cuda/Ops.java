package io.headroom.budget.cuda;

/**
 * PyTorch's operators as what they allocate: outputs, what autograd saves, and the gradients in the order they are made.
 *
 * <p>Source of every rule: {@code tools/autograd/derivatives.yaml} and {@code FunctionsManual.cpp} of PyTorch 2.6 for what
 * is saved and which gradient is computed first, the CUDA kernels under {@code aten/src/ATen/native/cuda} for outputs and
 * masks. In-place operators allocate nothing and say so in their name.
 */
class Ops {
    static final Memory[] NOTHING = {};
    private static final long CUBLAS_WORKSPACE = 8_519_680;

    final Tape tape;
    private boolean cublas;

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

    /** Workspace of the first cuBLAS call on a stream, kept for good: {@code CUDABlas / CublasHandlePool.cpp}. */
    final void cublas() {
        if (!cublas) {
            cublas = true;
            tape.permanent(CUBLAS_WORKSPACE, "cublas workspace");
        }
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

    final Value softmax(Value x) {
        return unary("softmax", x, false, true);
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
    final Value pow(Value x) {
        return result(x.bytes(), "pow", x.shape, x.element, of(x), save(x), g -> {
            Memory power = tape.alloc(x.bytes(), "pow");
            Memory scaled = tape.alloc(x.bytes(), "mul");
            Grad out = fresh(x.bytes(), "mul");
            tape.use(power);
            tape.use(scaled);
            return new Grad[] {out};
        });
    }

    final Value add(Value a, Value b) {
        Value wide = a.count() >= b.count() ? a : b;
        return result(wide.bytes(), "add", wide.shape, wide.element, of(a, b), NOTHING, g ->
                new Grad[] {reduced(g[0], a, wide), reduced(g[0], b, wide)});
    }

    final Value addInPlace(Value a, Value b) {
        tape.use(a, b);
        Node node = tape.node(of(a, b), NOTHING, 1, g -> new Grad[] {g[0], reduced(g[0], b, a)});
        return new Value(a.memory, a.shape, a.element, node, 0, false, null);
    }

    private Grad reduced(Grad g, Value input, Value wide) {
        if (!input.needsGradient()) {
            return null;
        }
        return input.count() == wide.count() ? g : fresh(input.bytes(), "sum");
    }

    final Value mul(Value a, Value b) {
        Value wide = a.count() >= b.count() ? a : b;
        Memory[] saved = {b.needsGradient() ? a.memory : null, a.needsGradient() ? b.memory : null};
        return result(wide.bytes(), "mul", wide.shape, wide.element, of(a, b), saved, g -> {
            Grad second = b.needsGradient() ? fresh(wide.bytes(), "mul") : null;
            Grad first = a.needsGradient() ? fresh(wide.bytes(), "mul") : null;
            return new Grad[] {shrunk(first, a, wide), shrunk(second, b, wide)};
        });
    }

    private Grad shrunk(Grad full, Value input, Value wide) {
        if (full == null || input.count() == wide.count()) {
            return full;
        }
        Grad sum = fresh(input.bytes(), "sum");
        tape.use(full.memory());
        return sum;
    }

    /** The mean over the last dimension, kept; its gradient is spread out again. */
    final Value meanOfRows(Value x) {
        long[] shape = x.shape.clone();
        shape[shape.length - 1] = 1;
        return result(x.rows() * x.element, "mean", shape, x.element, of(x), NOTHING, g -> new Grad[] {like(x, "div")});
    }

    /** {@code rsqrt}: the gradient is {@code -0.5 · g · result³}. */
    final Value rsqrt(Value x) {
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
        return result(size(shape) * a.element, "cat", shape, a.element, of(a, b), NOTHING, g ->
                new Grad[] {new Grad(g[0].memory(), true), new Grad(g[0].memory(), true)});
    }

    /** A contiguous copy of a transposed or expanded tensor. */
    final Value copy(Value x, long... dimensions) {
        long[] to = dimensions.length == 0 ? x.shape : dimensions;
        return result(size(to) * x.element, "clone", to, x.element, of(x), NOTHING, g ->
                new Grad[] {new Grad(g[0].memory(), g[0].view())});
    }

    static long size(long[] dimensions) {
        long size = 1;
        for (long dimension : dimensions) {
            size *= dimension;
        }
        return size;
    }

    /** Dropout: an output and a mask of one byte an element ({@code native_dropout}); with p = 0 the input itself. */
    final Value dropout(Value x, double p) {
        if (p <= 0) {
            return x;
        }
        Memory out = tape.alloc(x.bytes(), "native_dropout");
        Memory mask = tape.alloc(x.count(), "native_dropout");
        return wrap(out, x.shape, x.element, of(x), new Memory[] {mask}, g ->
                new Grad[] {like(x, "native_dropout_backward")});
    }

    // -- matrices
    // -------------------------------------------------------------------------------------------------------

    /** {@code nn.Linear}: one fused {@code addmm} with a bias, a plain {@code mm} without. */
    final Value linear(Value x, Value weight, Value bias) {
        return affine(x, weight, bias, weight.dim(0), true);
    }

    /** transformers' {@code Conv1D}: the weight is stored in × out. */
    final Value conv1d(Value x, Value weight, Value bias) {
        return affine(x, weight, bias, weight.dim(1), false);
    }

    private Value affine(Value x, Value weight, Value bias, long width, boolean transposed) {
        cublas();
        long[] shape = x.shape.clone();
        shape[shape.length - 1] = width;
        Value input = x.shape.length > 2 ? x.view(x.shape) : x;
        Value turned = transposed ? weight.view(weight.shape) : weight;
        Memory[] saved = {weight.needsGradient() ? x.memory : null, x.needsGradient() ? weight.memory : null};
        Value[] inputs = bias == null ? of(input, turned) : of(input, turned, bias);
        return result(size(shape) * x.element, bias == null ? "mm" : "addmm", shape, x.element, inputs, saved, g -> {
            if (bias == null) {
                Grad forWeight = like(weight, "mm");
                Grad forInput = like(x, "mm");
                return new Grad[] {forInput, forWeight};
            }
            Grad forInput = like(x, "mm");
            Grad forWeight = like(weight, "mm");
            return new Grad[] {forInput, forWeight, like(bias, "sum")};
        });
    }

    /** Batched matrices, both three- or four-dimensional: {@code [..., n, k] × [..., k, m]}. */
    final Value bmm(Value a, Value b, long... shape) {
        cublas();
        return result(size(shape) * a.element, "bmm", shape, a.element, of(a, b), save(a, b), g -> {
            Grad second = like(b, "bmm");
            Grad first = like(a, "bmm");
            return new Grad[] {first, second};
        });
    }

    // -- normalisation, embeddings, loss
    // ----------------------------------------------------------------------------------

    final Value layerNorm(Value x, Value weight, Value bias) {
        Memory out = tape.alloc(x.bytes(), "native_layer_norm");
        Memory mean = tape.alloc(x.rows() * 4, "native_layer_norm");
        Memory rstd = tape.alloc(x.rows() * 4, "native_layer_norm");
        Value[] inputs = weight == null ? of(x) : of(x, weight, bias);
        Memory[] saved = {x.memory, mean, rstd};
        return wrap(out, x.shape, x.element, inputs, saved, g -> {
            Grad forInput = like(x, "native_layer_norm_backward");
            if (weight == null) {
                return new Grad[] {forInput};
            }
            return new Grad[] {
                forInput, like(weight, "native_layer_norm_backward"), like(bias, "native_layer_norm_backward")
            };
        });
    }

    /** A look-up; the gradient of the table is dense, a whole table ({@code embedding_dense_backward}). */
    final Value embedding(Value table, Value indices) {
        long[] shape = java.util.Arrays.copyOf(indices.shape, indices.shape.length + 1);
        shape[indices.shape.length] = table.width();
        return result(
                size(shape) * table.element,
                "embedding",
                shape,
                table.element,
                of(table, indices),
                save(null, indices),
                g -> new Grad[] {like(table, "embedding_dense_backward"), null});
    }

    /** {@code nn.functional.cross_entropy} over rows of logits: a log-softmax that is saved, its gradient and theirs. */
    final Value crossEntropy(Value logits, Value labels) {
        Value log = unary("_log_softmax", logits, false, true);
        Memory loss = tape.alloc(log.element, "nll_loss_forward");
        Memory weight = tape.alloc(log.element, "nll_loss_forward");
        return wrap(loss, shape(1), log.element, of(log), new Memory[] {log.memory, labels.memory, weight}, g ->
                new Grad[] {like(log, "nll_loss_backward")});
    }

    /**
     * Scaled dot-product attention by the memory-efficient kernel, which PyTorch takes for fp32 where the head size allows:
     * saves queries, keys, values, output and a log-sum-exp a row, no score matrix. Without a graph it makes no log-sum-exp.
     */
    final Value attention(Value q, Value k, Value v, Value mask) {
        long rows = tape.recording() ? (q.dim(2) + 31) / 32 * 32 : 0;
        Memory out = tape.alloc(q.count() / q.width() * v.width() * q.element, "efficient_attention");
        Memory sums = tape.alloc(q.dim(0) * q.dim(1) * rows * 4, "efficient_attention");
        long[] shape = {q.dim(0), q.dim(1), q.dim(2), v.width()};
        Memory[] saved = {q.memory, k.memory, v.memory, out, sums, mask == null ? null : mask.memory};
        return wrap(out, shape, q.element, of(q, k, v), saved, g -> {
            Grad[] grads = {
                like(q, "efficient_attention_backward"),
                like(k, "efficient_attention_backward"),
                like(v, "efficient_attention_backward")
            };
            return grads;
        });
    }
}

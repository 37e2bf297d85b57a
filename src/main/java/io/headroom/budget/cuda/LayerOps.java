package io.headroom.budget.cuda;

import io.headroom.units.Bytes;

/**
 * The operators that layers are made of: matrix products, norms, look-ups, losses and fused attention.
 *
 * <p>Sources as of {@link Ops}; what autocast casts is in {@link Autocast}. Casts of several arguments are made from the last to the
 * first, as the compiled wrapper evaluates them.
 */
class LayerOps extends Ops {
    private static final long FLASH_ROWS = 128;
    private static final long FLASH_WIDTH = 32;

    LayerOps(Tape tape) {
        super(tape);
    }

    /** The workspace of the first cuBLAS call on a stream, kept for good. */
    final void cublas() {
        tape.once(tape.cublasBytes(), "cublas workspace");
    }

    // -- matrices
    // -------------------------------------------------------------------------------------------------------

    /** {@code nn.Linear}: one fused {@code addmm} with a bias, a plain {@code mm} without. */
    final Value linear(Value x, Value weight, Value bias) {
        Value b = half(bias);
        Value w = half(weight);
        return during(x, affine(half(x), w, b, weight.dim(0), true));
    }

    /** transformers' {@code Conv1D}: the weight is stored in × out. */
    final Value conv1d(Value x, Value weight, Value bias) {
        Value w = half(weight);
        Value input = half(x);
        return during(x, affine(input, w, half(bias), weight.dim(1), false));
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

    /** {@code torch.matmul} of strided inputs, four-dimensional: both are made contiguous first. */
    final Value matmul(Value a, Value b, long... shape) {
        Value second = half(b);
        Value first = half(a);
        Value out = bmm(copy(first), copy(second), shape);
        tape.use(a, b, first, second);
        return out;
    }

    /** The same where the first input lies contiguous. */
    final Value matmulOf(Value contiguous, Value b, long... shape) {
        Value second = half(b);
        Value first = half(contiguous);
        Value out = bmm(first, copy(second), shape);
        tape.use(contiguous, b, second);
        return out;
    }

    /** The same where both do. */
    final Value matmulOfBoth(Value a, Value b, long... shape) {
        Value second = half(b);
        Value out = bmm(half(a), second, shape);
        tape.use(a, b);
        return out;
    }

    private Value bmm(Value a, Value b, long... shape) {
        cublas();
        Memory[] saved = {b.needsGradient() ? a.memory : null, a.needsGradient() ? b.memory : null};
        return result(size(shape) * a.element, "bmm", shape, a.element, of(a, b), saved, g -> {
            Grad second = like(b, "bmm");
            Grad first = like(a, "bmm");
            return new Grad[] {first, second};
        });
    }

    // -- normalisation, embeddings, loss
    // ----------------------------------------------------------------------------------

    final Value layerNorm(Value given, Value weight, Value bias) {
        Value x = full(given);
        Memory out = tape.alloc(x.bytes(), "native_layer_norm");
        Memory mean = tape.alloc(x.rows() * 4, "native_layer_norm");
        Memory rstd = tape.alloc(x.rows() * 4, "native_layer_norm");
        Value[] inputs = weight == null ? of(x) : of(x, weight, bias);
        Memory[] saved = {x.memory, mean, rstd};
        return during(given, wrap(out, x.shape, x.element, inputs, saved, g -> {
            Grad forInput = like(x, "native_layer_norm_backward");
            if (weight == null) {
                return new Grad[] {forInput};
            }
            return new Grad[] {
                forInput, like(weight, "native_layer_norm_backward"), like(bias, "native_layer_norm_backward")
            };
        }));
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

    /**
     * {@code nn.functional.cross_entropy} over rows of logits: a log-softmax that is saved, its gradient and theirs. It asks for
     * the log-softmax in the type of the logits, so that autocast casts only its result ({@code LossNLL.cpp}).
     */
    final Value crossEntropy(Value logits, Value labels) {
        Value log = full(unary("_log_softmax", logits, false, true));
        Memory loss = tape.alloc(log.element, "nll_loss_forward");
        Memory weight = tape.alloc(log.element, "nll_loss_forward");
        return wrap(loss, shape(1), log.element, of(log), new Memory[] {log.memory, labels.memory, weight}, g ->
                new Grad[] {like(log, "nll_loss_backward")});
    }

    /** Scaled dot-product attention by the kernel that PyTorch takes: flash for half types without a mask, else efficient. */
    final Value attention(Value q, Value k, Value v, Value mask) {
        Value bias = half(mask);
        Value values = half(v);
        Value keys = half(k);
        Value queries = half(q);
        Value out = queries.element == HALF && mask == null
                ? flash(queries, keys, values)
                : efficient(queries, keys, values, bias);
        tape.use(q, k, v, mask);
        return out;
    }

    /**
     * The memory-efficient kernel, which PyTorch takes for fp32: saves queries, keys, values, output and a log-sum-exp a row,
     * no score matrix. Without a graph it makes no log-sum-exp.
     */
    private Value efficient(Value q, Value k, Value v, Value mask) {
        long rows = tape.recording() ? (q.dim(2) + 31) / 32 * 32 : 0;
        Memory out = tape.alloc(Bytes.times(q.rows(), v.width(), q.element), "efficient_attention");
        Memory sums = tape.alloc(Bytes.times(q.dim(0), q.dim(1), rows, FLOAT), "efficient_attention");
        long[] shape = {q.dim(0), q.dim(1), q.dim(2), v.width()};
        Memory[] saved = {q.memory, k.memory, v.memory, out, sums, mask == null ? null : mask.memory};
        return wrap(out, shape, q.element, of(q, k, v), saved, g -> new Grad[] {
            like(q, "efficient_attention_backward"),
            like(k, "efficient_attention_backward"),
            like(v, "efficient_attention_backward")
        });
    }

    /**
     * The flash kernel: saves the same; its backward sums the queries' gradient in fp32 with rows and widths rounded up ({@code
     * dq_accum} and {@code softmax_d} in {@code flash_attn/flash_api.cpp}).
     */
    private Value flash(Value q, Value k, Value v) {
        Memory out = tape.alloc(q.bytes(), "flash_attention");
        Memory sums = tape.alloc(q.dim(0) * q.dim(1) * q.dim(2) * FLOAT, "flash_attention");
        Memory[] saved = {q.memory, k.memory, v.memory, out, sums};
        return wrap(out, q.shape, q.element, of(q, k, v), saved, g -> {
            Grad[] grads = {
                like(q, "flash_attention_backward"),
                like(k, "flash_attention_backward"),
                like(v, "flash_attention_backward")
            };
            long rows = Bytes.times(q.dim(0), q.dim(1), up(q.dim(2), FLASH_ROWS), FLOAT);
            Memory sum = tape.alloc(rows, "flash workspace");
            tape.alloc(Bytes.times(rows, up(q.width(), FLASH_WIDTH)), "flash workspace");
            tape.use(sum);
            return grads;
        });
    }

    private static long up(long size, long step) {
        return (size + step - 1) / step * step;
    }
}

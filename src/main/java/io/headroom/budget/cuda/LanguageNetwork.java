package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;
import java.util.ArrayList;
import java.util.List;

/** A transformer's forward pass: what the modeling files have in common. */
abstract class LanguageNetwork extends LayerOps implements Network {
    private static final int LONG = 8;

    final LanguageModel model;
    final Weights weights;
    final Attention kind;
    final long batch;
    final long seq;

    /** Keys and values that are returned with the output and live as long as it does. */
    final List<Value> cache = new ArrayList<>();

    private long segments;
    private boolean lora;
    private boolean generates;
    private final List<Value> leaves = new ArrayList<>();
    private Value last;

    LanguageNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape);
        this.model = model;
        this.weights = weights;
        this.kind = kind;
        this.batch = batch;
        this.seq = seq;
    }

    /** The logits, from token ids. */
    abstract Value logits(Value ids);

    /** One layer: its input and its number. */
    interface Layer {
        Value run(Value input, long number);
    }

    /** Divides the layers into segments whose activations are computed again in the backward pass; 0 for none. */
    final LanguageNetwork checkpointed(long count) {
        segments = count;
        return this;
    }

    /** Whether some layers have LoRA adapters, beside which all weights are frozen. */
    final LanguageNetwork adapted(boolean value) {
        lora = value;
        return this;
    }

    final boolean checkpoints() {
        return segments > 0;
    }

    /** Keys and values are returned, except with checkpointing: the modeling files then set {@code use_cache} to false. */
    final boolean caches() {
        return model.cache() && segments == 0;
    }

    /** All layers, one after the other or segment by segment. */
    final Value blocks(Value input, Layer layer) {
        if (segments == 0) {
            return blocks(input, layer, 0, model.layers());
        }
        long size = (model.layers() + segments - 1) / segments;
        Value hidden = input;
        for (long from = 0; from < model.layers(); from += size) {
            long first = from;
            long end = Math.min(from + size, model.layers());
            hidden = tape.checkpoint(hidden, x -> blocks(x, layer, first, end));
        }
        return hidden;
    }

    private Value blocks(Value input, Layer layer, long from, long to) {
        Value hidden = input;
        for (long i = from; i < to; i++) {
            Value given = hidden;
            hidden = layer.run(given, i);
            tape.use(given);
        }
        return hidden;
    }

    /** Whether the loss compares each place with the next token. */
    boolean shiftsLabels() {
        return true;
    }

    @Override
    public List<Value> inputs() {
        Value ids = integers("input_ids", batch, seq);
        return tape.training() ? List.of(ids, integers("labels", batch, seq)) : List.of(ids);
    }

    @Override
    public Outputs forward(List<Value> inputs, Runnable returned) {
        cache.clear();
        leaves.clear();
        Value logits = logits(inputs.get(0));
        if (!tape.training()) {
            cache.forEach(tape::use);
            return returned(null, logits, returned);
        }
        Value labels = inputs.get(1);
        Value loss;
        if (shiftsLabels()) {
            Value wide = to(logits, FLOAT);
            Value padded = integers("pad", batch, seq + 1);
            Value shifted = batch == 1 ? padded : integers("clone", batch, seq);
            tape.use(padded, inputs.get(1));
            loss = crossEntropy(wide, shifted);
            tape.use(padded, wide);
            logits = kept(logits, wide);
        } else {
            loss = crossEntropy(logits, labels);
        }
        return returned(loss, logits, returned);
    }

    private Outputs returned(Value loss, Value logits, Runnable returned) {
        List<Value> kept = new ArrayList<>(cache);
        kept.add(logits);
        tape.use(last);
        returned.run();
        return new Outputs(loss, kept, List.copyOf(leaves));
    }

    /** The logits in the output: as the head made them, not the fp32 copy that the loss reads. */
    Value kept(Value logits, Value wide) {
        return logits;
    }

    final Value integers(String name, long... shape) {
        return new Value(tape.alloc(size(shape) * LONG, name), shape, LONG, null, 0, false, null);
    }

    final Value small(String name, int element, long... shape) {
        return new Value(tape.alloc(size(shape) * element, name), shape, element, null, 0, false, null);
    }

    final Value weight(String name) {
        return weights.get(name);
    }

    /** The output layer: what it reads lives until the model returns. */
    final Value head(Value hidden, Value weight, Value bias) {
        last = hidden;
        boolean one = generates && Generation.keepsLast(model.family());
        long[] shape = {batch, 1, hidden.width()};
        return linear(
                one ? new Value(hidden.memory, shape, hidden.element, null, 0, false, null) : hidden, weight, bias);
    }

    /** The pass over a prompt behind which tokens are generated: its logits; keys and values are left in the cache. */
    final Value prompt(Value ids) {
        generates = true;
        cache.clear();
        Value logits = logits(ids);
        tape.use(last);
        cache.forEach(tape::use);
        return logits;
    }

    /** Fused attention on contiguous queries: the flash kernel writes as they lie, the efficient one head beside head. */
    final Value fused(Value q, Value k, Value v) {
        Value out = attention(q, k, v, null);
        Value laid = out.element == HALF ? copy(out) : out;
        tape.use(q, k, v);
        return laid;
    }

    final Value dense(Value x, String name) {
        return adapted(x, name, linear(x, weight(name + ".weight"), weight(name + ".bias")));
    }

    /**
     * What a layer answers, and what its adapter adds: {@code result + lora_B(lora_A(x)) * scaling} in fp32, cast back to the type of the
     * result. Source: {@code Linear.forward} in {@code peft/tuners/lora/layer.py} 0.15; {@code lora_dropout} is 0, as by default.
     */
    final Value adapted(Value x, String name, Value result) {
        Value down = lora ? weight(name + ".lora_A.weight") : null;
        if (down == null) {
            return result;
        }
        Value input = to(x, FLOAT);
        Value up = scaled(linear(linear(input, down, null), weight(name + ".lora_B.weight"), null));
        Value out = to(add(result, up), result.element);
        tape.use(x, input);
        return out;
    }

    /**
     * The look-up of the tokens. With adapters and checkpointing its result is made to need a gradient, without which the layers run again
     * would have none: {@code enable_input_require_grads} of {@code modeling_utils.py}, which PEFT calls.
     */
    final Value tokens(String table, Value ids) {
        Value found = embedding(weight(table), ids);
        if (!lora || !checkpoints() || !tape.recording()) {
            return found;
        }
        Value leaf = new Value(found.memory, found.shape, found.element, null, 0, false, new Value.Leaf("embeddings"));
        leaves.add(leaf);
        return leaf;
    }

    Value norm(Value x, String name) {
        return layerNorm(x, weight(name + ".weight"), weight(name + ".bias"));
    }

    final Value activation(Value x) {
        return switch (model.activation()) {
            case "gelu_new" -> newGelu(x);
            case "relu" -> relu(x);
            case "silu" -> silu(x);
            default -> gelu(x);
        };
    }

    /** {@code NewGELUActivation}: written out in eight operators, four of whose results are kept for the backward. */
    private Value newGelu(Value x) {
        Value half = scaled(x);
        Value inner = scaled(add(x, scaled(pow(x))));
        Value out = mul(half, plusConstant(tanh(inner)));
        tape.use(x);
        return out;
    }

    /** A tensor {@code [b, s, n·d]} seen as {@code [b, n, s, d]}. */
    final Value heads(Value x, long count) {
        return alias(x, batch, count, x.dim(1), x.width() / count);
    }

    /** A view whose gradient arrives transposed and has to be copied before it can be flattened. */
    final Value turned(Value x) {
        Node node = tape.node(of(x), NOTHING, 1, g -> new Grad[] {like(x, "clone")});
        return new Value(x.memory, x.shape, x.element, node, 0, false, null);
    }

    /** A contiguous copy whose gradient has to be copied too: what {@code bmm} writes, transposed back. */
    final Value relaid(Value x) {
        return result(x.bytes(), "clone", x.shape, x.element, of(x), NOTHING, g -> new Grad[] {like(x, "clone")});
    }

    final Value merged(Value x) {
        return x.view(batch, x.dim(2), x.dim(1) * x.width());
    }

    /** One tensor split along its last dimension; the gradients of the parts are joined by {@code cat}. */
    final Value[] split(Value x, int parts) {
        long[] shape = x.shape.clone();
        shape[shape.length - 1] /= parts;
        Node node = tape.node(of(x), NOTHING, parts, g -> new Grad[] {fresh(x.bytes(), "cat")});
        Value[] pieces = new Value[parts];
        for (int i = 0; i < parts; i++) {
            pieces[i] = new Value(x.memory, shape, x.element, node, i, true, null);
        }
        return pieces;
    }
}

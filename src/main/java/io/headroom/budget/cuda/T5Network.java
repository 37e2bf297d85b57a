package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_t5.py}: an encoder and a decoder whose layers share one position bias, as large as the scores. */
final class T5Network extends RotaryNetwork {
    private static final int LONG = 8;

    private Value bias;

    T5Network(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    boolean shiftsLabels() {
        return false;
    }

    @Override
    Value logits(Value ids) {
        Value encoded = stack("encoder", ids, null);
        Value shifted = integers(tape.training() ? "shift_right" : "decoder_input_ids", batch, seq);
        Value decoded = stack("decoder", shifted, encoded);
        cache.add(encoded);
        tape.use(shifted);
        Value head = model.tied() ? weight("shared.weight") : weight("lm_head.weight");
        Value output = model.tied() ? scaled(decoded) : decoded;
        Value logits = head(output, head, null);
        tape.use(output, decoded);
        return logits;
    }

    private Value stack(String name, Value ids, Value encoded) {
        boolean decoder = encoded != null;
        Value tokens = tokens("shared.weight", ids);
        Value range = integers("arange", seq);
        int element = tokens.element;
        Value own = decoder ? causalMask(element) : paddingMask(element);
        Value other = decoder ? paddingMask(element) : null;
        Value hidden = dropout(tokens, model.dropout());
        Value[] state = {hidden, null, encoded, null};
        for (long i = 0; i < model.layers(); i++) {
            String block = name + ".block." + i + ".layer.";
            Value[] next = checkpoints()
                    ? tape.checkpoint(state, x -> block(block, x, own, other))
                    : block(block, state, own, other);
            state = new Value[] {next[0], next[1], encoded, next[2]};
        }
        hidden = state[0];
        bias = state[1];
        Value across = state[3];
        Value output = dropout(t5(hidden, name + ".final_layer_norm"), model.dropout());
        tape.use(tokens, range, own, other, bias, across);
        return output;
    }

    /** Of hidden states, self bias, the encoder's output and cross bias: hidden states and both biases after one layer. */
    private Value[] block(String name, Value[] state, Value own, Value other) {
        Value encoded = state[2];
        boolean decoder = encoded != null;
        bias = state[1];
        Value normal = t5(state[0], name + "0.layer_norm");
        Value hidden =
                add(state[0], dropout(attend(normal, normal, own, name + "0.SelfAttention", decoder), model.dropout()));
        Value self = bias;
        Value across = null;
        if (decoder) {
            bias = state[3];
            Value crossed = t5(hidden, name + "1.layer_norm");
            hidden = add(
                    hidden,
                    dropout(attend(crossed, encoded, other, name + "1.EncDecAttention", true), model.dropout()));
            across = bias;
        }
        return new Value[] {forward(hidden, name + (decoder ? 2 : 1)), self, across};
    }

    private Value paddingMask(int element) {
        Value ones = small("ones", FLOAT, batch, seq);
        Value inverted = small("rsub", element, batch, seq);
        Value mask = small("mul", element, batch, seq);
        tape.use(inverted);
        tape.use(ones);
        return mask;
    }

    private Value causalMask(int element) {
        Value ones = small("ones", FLOAT, batch, seq);
        Value square = small("full", element, seq, seq);
        Value mask = small("clone", element, batch, seq, seq);
        tape.use(ones, square);
        return mask;
    }

    private Value forward(Value x, String name) {
        Value wide = activation(dense(t5(x, name + ".layer_norm"), name + ".DenseReluDense.wi"));
        Value narrow = dense(dropout(wide, model.dropout()), name + ".DenseReluDense.wo");
        return add(x, dropout(narrow, model.dropout()));
    }

    private Value attend(Value x, Value source, Value mask, String name, boolean cached) {
        long n = model.heads();
        Value q = heads(turned(dense(x, name + ".q")), n);
        Value first = dense(source, name + ".k");
        Value second = dense(source, name + ".v");
        Value k = heads(turned(first), n);
        Value v = heads(turned(second), n);
        if (cached && caches()) {
            cache.add(k);
            cache.add(v);
        }
        Value scores = matmul(q, k, batch, n, seq, seq);
        if (bias == null) {
            bias = positions(name, mask, scores.element);
        }
        Value wide = to(addInPlace(scores, bias), FLOAT);
        Value weights = dropout(to(softmax(wide), scores.element), model.attentionDropout());
        Value out = matmulOf(weights, v, batch, n, seq, model.headWidth());
        Value projected = dense(merged(relaid(out)), name + ".o");
        tape.use(q, k, v, scores);
        return projected;
    }

    /** Relative positions looked up in the first layer, or zeros; with the mask they take the size of the scores. */
    private Value positions(String name, Value mask, int element) {
        Value table = weight(name + ".relative_attention_bias.weight");
        Value values;
        if (table == null) {
            values = zeros(element);
        } else {
            Value buckets = buckets();
            values = embedding(table, buckets).view(1, model.heads(), seq, seq);
        }
        long[] shape = {batch, model.heads(), seq, seq};
        Value small = values;
        int wide = Math.max(values.element, mask.element);
        return result(size(shape) * wide, "add", shape, wide, of(values, mask), NOTHING, g ->
                new Grad[] {batch == 1 ? g[0] : like(small, "sum"), null});
    }

    /** {@code if self.gradient_checkpointing and self.training: position_bias.requires_grad = True}. */
    private Value zeros(int element) {
        Value zeros = small("zeros", element, 1, model.heads(), seq, seq);
        return checkpoints() && tape.recording()
                ? new Value(zeros.memory, zeros.shape, element, null, 0, false, new Value.Leaf("position bias"))
                : zeros;
    }

    private Value buckets() {
        Value memory = integers("arange", seq);
        Value relative = integers("sub", seq, seq);
        Value later = integers("mul", seq, seq);
        Value distance = integers("abs", seq, seq);
        Value near = small("lt", 1, seq, seq);
        Value large = small("log", LONG, seq, seq);
        Value buckets = integers("where", seq, seq);
        tape.use(memory, relative, later, distance, near, large);
        return buckets;
    }
}

package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_gemma2.py}: norms on both sides of each branch, scores and logits capped by a tanh, no cache while training. */
final class Gemma2Network extends RotaryNetwork {
    private Value mask;

    Gemma2Network(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        Value embedded = tokens("model.embed_tokens.weight", ids);
        if (!tape.training() && caches()) {
            fixedCache(embedded.element);
        }
        Value places = integers("arange", seq);
        mask = causalMask();
        angles(model.headWidth(), embedded.element);
        Value hidden = scaled(embedded);
        hidden = blocks(hidden, (x, i) -> layer(x, "model.layers." + i, i % 2 == 0));
        hidden = gemma(hidden, "model.norm");
        tape.use(embedded, places, cos, sin, mask);
        Value last = slice(hidden, 3, hidden.shape);
        Value head = model.tied() ? weight("model.embed_tokens.weight") : weight("lm_head.weight");
        return capped(head(last, head, null));
    }

    /** {@code HybridCache}: made whole before the first layer; a window shorter than the prompt is not followed. */
    private void fixedCache(int element) {
        for (long i = 0; i < 2 * model.layers(); i++) {
            cache.add(small("zeros", element, batch, model.keyValueHeads(), seq, model.headWidth()));
        }
    }

    private Value causalMask() {
        Value full = small("full", FLOAT, seq, seq);
        Value upper = small("triu", FLOAT, seq, seq);
        tape.use(full);
        Value range = integers("arange", seq);
        Value later = small("gt", 1, seq, seq);
        tape.use(range, later);
        return upper;
    }

    /** {@code tanh(x / cap) * cap}. */
    private Value capped(Value x) {
        return scaled(tanh(unary("div", x, false, false)));
    }

    private Value layer(Value input, String name, boolean local) {
        Value window = null;
        Value lower = null;
        if (local) {
            Value ones = small("ones_like", 1, batch, 1, seq, seq);
            lower = small("tril", 1, batch, 1, seq, seq);
            tape.use(ones);
            Value lowest = small("scalar_tensor", FLOAT, 1);
            window = small("where", FLOAT, batch, seq, seq);
            tape.use(lowest);
        }
        Value first = gemma(input, name + ".input_layernorm");
        Value attended = attend(first, name + ".self_attn", local ? window : mask);
        tape.use(first);
        Value hidden = add(input, gemma(attended, name + ".post_attention_layernorm"));
        Value normal = gemma(hidden, name + ".pre_feedforward_layernorm");
        Value gate = activation(dense(normal, name + ".mlp.gate_proj"));
        Value up = dense(normal, name + ".mlp.up_proj");
        Value down = dense(mul(gate, up), name + ".mlp.down_proj");
        tape.use(normal);
        Value output = add(hidden, gemma(down, name + ".post_feedforward_layernorm"));
        tape.use(window, lower);
        return output;
    }

    private Value attend(Value x, String name, Value bias) {
        Value q = heads(turned(dense(x, name + ".q_proj")), model.heads());
        Value k = heads(turned(dense(x, name + ".k_proj")), model.keyValueHeads());
        Value v = heads(turned(dense(x, name + ".v_proj")), model.keyValueHeads());
        Value queries = rotated(q);
        Value keys = rotated(k);
        tape.use(q, k);
        Value repeatedKeys = repeated(keys);
        Value repeatedValues = repeated(v);
        Value out;
        if (kind == Attention.SDPA) {
            boolean repeats = model.keyValueHeads() != model.heads();
            out = attention(
                    copy(queries), repeats ? repeatedKeys : copy(keys), repeats ? repeatedValues : copy(v), bias);
        } else {
            Value scores = scaled(scores(queries, repeatedKeys));
            Value masked = add(capped(scores), bias);
            Value weights = dropout(to(softmaxInFloat(masked), queries.element), model.attentionDropout());
            out = relaid(weighted(weights, repeatedValues));
        }
        Value projected = dense(merged(out), name + ".o_proj");
        tape.use(queries, keys, v);
        return projected;
    }
}

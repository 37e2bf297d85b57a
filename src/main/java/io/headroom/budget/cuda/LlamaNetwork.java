package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_llama.py}, {@code modeling_qwen2.py} and {@code modeling_qwen3.py}. */
final class LlamaNetwork extends RotaryNetwork {
    LlamaNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        Value hidden = tokens("model.embed_tokens.weight", ids);
        Value embedded = hidden;
        Value places = integers("arange", seq);
        angles(model.headWidth(), hidden.element);
        hidden = blocks(hidden, (x, i) -> layer(x, "model.layers." + i));
        hidden = rms(hidden, "model.norm");
        tape.use(embedded, cos, sin, places);
        Value last = slice(hidden, 3, hidden.shape);
        return head(last, model.tied() ? weight("model.embed_tokens.weight") : weight("lm_head.weight"), null);
    }

    private Value layer(Value input, String name) {
        Value first = rms(input, name + ".input_layernorm");
        Value attended = attend(first, name + ".self_attn");
        tape.use(first);
        Value hidden = add(input, attended);
        Value normal = rms(hidden, name + ".post_attention_layernorm");
        Value gate = activation(dense(normal, name + ".mlp.gate_proj"));
        Value up = dense(normal, name + ".mlp.up_proj");
        Value down = dense(mul(gate, up), name + ".mlp.down_proj");
        tape.use(normal);
        return add(hidden, down);
    }

    private Value attend(Value x, String name) {
        boolean normed = model.family() == Family.QWEN3;
        Value q = heads(turned(dense(x, name + ".q_proj")), model.heads());
        q = normed ? rms(q, name + ".q_norm") : q;
        Value k = heads(turned(dense(x, name + ".k_proj")), model.keyValueHeads());
        k = normed ? rms(k, name + ".k_norm") : k;
        Value v = heads(turned(dense(x, name + ".v_proj")), model.keyValueHeads());
        Value queries = rotated(q);
        Value keys = rotated(k);
        tape.use(q, k);
        if (caches()) {
            cache.add(keys);
            cache.add(v);
        }
        Value out = kind == Attention.EAGER ? eager(queries, keys, v) : grouped(queries, keys, v);
        Value projected = dense(merged(out), name + ".o_proj");
        tape.use(queries);
        return projected;
    }

    private Value grouped(Value q, Value k, Value v) {
        boolean grouped = model.keyValueHeads() != model.heads();
        Value keys = grouped ? repeated(k) : null;
        Value values = grouped ? repeated(v) : null;
        Value queries = copy(q);
        return fused(queries, grouped ? keys : copy(k), grouped ? values : copy(v));
    }

    private Value eager(Value q, Value k, Value v) {
        Value keys = repeated(k);
        Value values = repeated(v);
        Value scores = scaled(scores(q, keys));
        Value masked = add(scores, small("mask", scores.element, 1));
        Value weights = dropout(to(softmaxInFloat(masked), q.element), model.attentionDropout());
        return copy(weighted(weights, values));
    }
}

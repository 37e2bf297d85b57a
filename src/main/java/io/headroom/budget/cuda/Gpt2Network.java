package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_gpt2.py}: fused query-key-value projection, learned positions, dropout on every branch. */
final class Gpt2Network extends LanguageNetwork {
    Gpt2Network(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        Value places = integers("arange", 1, seq);
        Value tokens = tokens("transformer.wte.weight", ids);
        Value positions = embedding(weight("transformer.wpe.weight"), places);
        Value hidden = dropout(add(tokens, positions), model.embeddingDropout());
        hidden = blocks(hidden, (x, i) -> block(x, "transformer.h." + i));
        hidden = norm(hidden, "transformer.ln_f");
        tape.use(tokens, positions, places);
        Value head = model.tied() ? weight("transformer.wte.weight") : weight("lm_head.weight");
        return head(hidden, head, null);
    }

    private Value block(Value input, String name) {
        Value first = norm(input, name + ".ln_1");
        Value attended = attend(first, name + ".attn");
        Value hidden = add(attended, input);
        tape.use(first);
        Value second = norm(hidden, name + ".ln_2");
        Value wide = activation(projected(second, name + ".mlp.c_fc"));
        Value forward = dropout(projected(wide, name + ".mlp.c_proj"), model.dropout());
        Value output = add(hidden, forward);
        tape.use(attended, forward, second);
        return output;
    }

    private Value projected(Value x, String name) {
        return adapted(x, name, conv1d(x, weight(name + ".weight"), weight(name + ".bias")));
    }

    private Value attend(Value x, String name) {
        Value joined = projected(x, name + ".c_attn");
        Value[] parts = split(joined, 3);
        Value q = heads(given(parts[0]), model.heads());
        Value k = heads(given(parts[1]), model.heads());
        Value v = heads(given(parts[2]), model.heads());
        if (caches()) {
            cache.add(joined);
        }
        Value out = kind == Attention.EAGER ? eager(q, k, v) : fused(copy(q), copy(k), copy(v));
        Value projected = projected(merged(out), name + ".c_proj");
        tape.use(joined);
        return dropout(projected, model.dropout());
    }

    /** The flash kernel's gradients lie as the contiguous queries do and are copied, the efficient one's are views. */
    private Value given(Value part) {
        return part.element == HALF && kind == Attention.SDPA ? turned(part) : part;
    }

    /** {@code eager_attention_forward}: scores, mask, softmax and dropout are matrices of their own. */
    private Value eager(Value q, Value k, Value v) {
        Value scores = matmul(q, k, batch, model.heads(), seq, seq);
        Value scaled = unary("div", scores, false, false);
        Value mask = small("where", scores.element, 1);
        Value masked = unary("where", scaled, false, false);
        tape.use(mask);
        Value weights = dropout(to(softmax(masked), v.element), model.attentionDropout());
        Value out = matmulOf(weights, v, batch, model.heads(), seq, model.headWidth());
        return copy(out);
    }
}

package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_gpt_neo.py}: eager attention with a local or causal mask and a second, added one. */
final class GptNeoNetwork extends LanguageNetwork {
    private static final int FLOAT = 4;

    private Value mask;

    GptNeoNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        Value tokens = embedding(weight("transformer.wte.weight"), ids);
        Value places = integers("arange", 1, seq);
        mask = causalMask();
        Value positions = embedding(weight("transformer.wpe.weight"), places);
        Value hidden = dropout(add(tokens, positions), model.dropout());
        hidden = blocks(hidden, (x, i) -> block(x, "transformer.h." + i));
        hidden = norm(hidden, "transformer.ln_f");
        tape.use(tokens, positions, places, mask);
        return linear(hidden, model.tied() ? weight("transformer.wte.weight") : weight("lm_head.weight"), null);
    }

    private Value causalMask() {
        Value full = small("full", FLOAT, seq, seq + 1);
        Value upper = small("triu", FLOAT, seq, seq + 1);
        tape.use(full);
        Value range = integers("arange", seq + 1);
        Value later = small("gt", 1, seq, seq + 1);
        tape.use(range, later);
        return upper;
    }

    private Value block(Value input, String name) {
        Value attended = attend(norm(input, name + ".ln_1"), name + ".attn.attention");
        Value hidden = add(attended, input);
        Value wide = activation(dense(norm(hidden, name + ".ln_2"), name + ".mlp.c_fc"));
        Value forward = dropout(dense(wide, name + ".mlp.c_proj"), model.dropout());
        Value output = add(hidden, forward);
        tape.use(attended, forward);
        return output;
    }

    private Value attend(Value x, String name) {
        Value first = dense(x, name + ".q_proj");
        Value k = heads(turned(dense(x, name + ".k_proj")), model.heads());
        Value third = dense(x, name + ".v_proj");
        Value q = heads(turned(first), model.heads());
        Value v = heads(turned(third), model.heads());
        if (caches()) {
            cache.add(k);
            cache.add(v);
        }
        Value scores = bmm(copy(q), copy(k), batch, model.heads(), seq, seq);
        Value masked = where(scores);
        Value weights = dropout(softmax(add(masked, mask)), model.attentionDropout());
        Value out = bmm(weights, copy(v), batch, model.heads(), seq, model.headWidth());
        Value projected = dense(merged(relaid(out)), name + ".out_proj");
        tape.use(q, k, v);
        return dropout(projected, model.dropout());
    }

    /** {@code torch.where(mask, scores, lowest)}: the gradient needs a zero of its own. */
    private Value where(Value scores) {
        return result(scores.bytes(), "where", scores.shape, scores.element, of(scores), NOTHING, g -> {
            Memory zero = tape.alloc(FLOAT, "scalar_tensor");
            Grad grad = like(scores, "where");
            tape.use(zero);
            return new Grad[] {grad};
        });
    }
}

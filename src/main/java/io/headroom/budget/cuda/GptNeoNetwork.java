package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_gpt_neo.py}: eager attention with a local or causal mask and a second, added one. */
final class GptNeoNetwork extends LanguageNetwork {
    private Value mask;
    private int element;

    GptNeoNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        Value tokens = tokens("transformer.wte.weight", ids);
        Value places = integers("arange", 1, seq);
        mask = causalMask();
        Value positions = embedding(weight("transformer.wpe.weight"), places);
        Value hidden = dropout(add(tokens, positions), model.embeddingDropout());
        hidden = blocks(hidden, (x, i) -> block(x, "transformer.h." + i));
        hidden = norm(hidden, "transformer.ln_f");
        element = hidden.element;
        tape.use(tokens, positions, places, mask);
        return head(hidden, model.tied() ? weight("transformer.wte.weight") : weight("lm_head.weight"), null);
    }

    @Override
    Value kept(Value logits, Value wide) {
        return to(wide, element);
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
        Value first = norm(input, name + ".ln_1");
        Value attended = attend(first, name + ".attn.attention");
        Value hidden = add(attended, input);
        tape.use(first);
        Value second = norm(hidden, name + ".ln_2");
        Value wide = activation(dense(second, name + ".mlp.c_fc"));
        Value forward = dropout(dense(wide, name + ".mlp.c_proj"), model.dropout());
        Value output = add(hidden, forward);
        tape.use(attended, forward, second);
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
        Value queries = to(q, FLOAT);
        Value keys = to(k, FLOAT);
        Value scores = matmul(queries, keys, batch, model.heads(), seq, seq);
        Value masked = where(scores);
        Value weights = dropout(to(softmax(add(masked, mask)), v.element), model.attentionDropout());
        Value out = matmulOf(weights, v, batch, model.heads(), seq, model.headWidth());
        tape.use(queries, keys);
        Value projected = dense(merged(relaid(out)), name + ".out_proj");
        tape.use(q, k, v);
        return dropout(projected, model.dropout());
    }

    /** {@code torch.where(mask, scores, lowest)}: the gradient needs a zero of its own. */
    private Value where(Value scores) {
        return result(scores.bytes(), "where", scores.shape, scores.element, of(scores), NOTHING, g -> {
            Memory zero = tape.alloc(scores.element, "scalar_tensor");
            Grad grad = like(scores, "where");
            tape.use(zero);
            return new Grad[] {grad};
        });
    }
}

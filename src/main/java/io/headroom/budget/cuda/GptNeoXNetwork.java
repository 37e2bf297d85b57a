package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_gpt_neox.py}: attention and feed-forward beside each other, a quarter of each head rotated. */
final class GptNeoXNetwork extends RotaryNetwork {
    private static final int ROTATED_PART = 4;

    GptNeoXNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        Value embedded = tokens("gpt_neox.embed_in.weight", ids);
        Value places = integers("arange", seq);
        Value hidden = dropout(embedded, model.dropout());
        angles(turnedWidth(), hidden.element);
        hidden = blocks(hidden, (x, i) -> layer(x, "gpt_neox.layers." + i));
        hidden = norm(hidden, "gpt_neox.final_layer_norm");
        tape.use(embedded, places, cos, sin);
        Value last = slice(hidden, 3, hidden.shape);
        return head(last, model.tied() ? weight("gpt_neox.embed_in.weight") : weight("embed_out.weight"), null);
    }

    /** {@code cos.shape[-1]}: a quarter of a head, made even by {@code arange(0, width, 2)} and its copy beside it. */
    private long turnedWidth() {
        return (model.headWidth() / ROTATED_PART + 1) / 2 * 2;
    }

    private Value layer(Value input, String name) {
        Value first = norm(input, name + ".input_layernorm");
        Value projected = attend(first, name + ".attention");
        tape.use(first);
        Value attended = dropout(projected, model.dropout());
        Value second = norm(input, name + ".post_attention_layernorm");
        Value wide = activation(dense(second, name + ".mlp.dense_h_to_4h"));
        Value narrow = dense(wide, name + ".mlp.dense_4h_to_h");
        tape.use(second);
        Value forward = dropout(narrow, model.dropout());
        Value sum = add(forward, attended);
        Value output = add(sum, input);
        tape.use(attended, forward);
        return output;
    }

    private Value attend(Value x, String name) {
        Value joined = turned(dense(x, name + ".query_key_value"));
        Value[] parts = split(joined, 3);
        Value q = shaped(parts[0]);
        Value k = shaped(parts[1]);
        Value v = shaped(parts[2]);
        long[] narrow = {batch, model.heads(), seq, turnedWidth()};
        long[] rest = {batch, model.heads(), seq, model.headWidth() - turnedWidth()};
        Value turnedQ = slice(q, 1, narrow);
        Value restQ = slice(q, 1, rest);
        Value turnedK = slice(k, 1, narrow);
        Value restK = slice(k, 1, rest);
        Value rotatedQ = rotated(turnedQ);
        Value rotatedK = rotated(turnedK);
        Value queries = cat(rotatedQ, restQ, q.shape);
        tape.use(rotatedQ);
        Value keys = cat(rotatedK, restK, k.shape);
        tape.use(rotatedK);
        if (caches()) {
            cache.add(keys);
            cache.add(joined);
        }
        Value values = copy(v);
        Value out;
        if (kind == Attention.EAGER) {
            Value scores = scaled(matmulOfBoth(queries, keys, batch, model.heads(), seq, seq));
            Value masked = add(scores, small("mask", scores.element, 1));
            Value weights = dropout(to(softmaxInFloat(masked), queries.element), model.attentionDropout());
            out = relaid(matmulOfBoth(weights, values, batch, model.heads(), seq, model.headWidth()));
        } else {
            out = fused(queries, keys, values);
        }
        Value projected = dense(merged(out), name + ".dense");
        tape.use(joined, queries);
        return projected;
    }

    private Value shaped(Value part) {
        return alias(part, batch, model.heads(), seq, model.headWidth());
    }
}

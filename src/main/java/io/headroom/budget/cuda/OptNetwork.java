package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_opt.py}: positions from the mask, norms before or after each branch, projections where narrow. */
final class OptNetwork extends LanguageNetwork {
    OptNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        String decoder = "model.decoder.";
        Value tokens = tokens(decoder + "embed_tokens.weight", ids);
        Value range = integers("arange", seq);
        Value mask = small("ones", 4, batch, seq);
        allOnes(mask);
        Value places = places();
        Value embedded = tokens;
        Value shifted = integers("add", batch, seq);
        Value positions = embedding(weight(decoder + "embed_positions.weight"), shifted);
        if (weight(decoder + "project_in.weight") != null) {
            embedded = dense(tokens, decoder + "project_in");
            tape.use(tokens);
        }
        Value hidden = add(embedded, positions);
        Value input = embedded;
        hidden = blocks(hidden, (x, i) -> layer(x, decoder + "layers." + i));
        if (model.normFirst()) {
            hidden = norm(hidden, decoder + "final_layer_norm");
        }
        if (weight(decoder + "project_out.weight") != null) {
            hidden = dense(hidden, decoder + "project_out");
        }
        tape.use(input, positions, places, mask, range);
        return head(hidden, model.tied() ? weight(decoder + "embed_tokens.weight") : weight("lm_head.weight"), null);
    }

    /** {@code torch.all(mask == 1)}. */
    private void allOnes(Value mask) {
        Value equal = small("eq", 1, mask.shape);
        tape.use(equal, small("all", 1, 1));
    }

    /** {@code cumsum(mask) * mask - 1} as whole numbers. */
    private Value places() {
        Value sum = small("cumsum", 4, batch, seq);
        Value product = small("mul", 4, batch, seq);
        Value less = small("sub", 4, batch, seq);
        tape.use(product);
        Value places = integers("to", batch, seq);
        tape.use(sum, less);
        return places;
    }

    private Value layer(Value input, String name) {
        Value hidden = model.normFirst() ? norm(input, name + ".self_attn_layer_norm") : input;
        Value attended = attend(hidden, name + ".self_attn");
        tape.use(hidden);
        hidden = add(input, dropout(attended, model.dropout()));
        if (!model.normFirst()) {
            hidden = norm(hidden, name + ".self_attn_layer_norm");
        }
        Value flat = alias(hidden, batch * seq, model.hidden());
        Value normal = model.normFirst() ? norm(flat, name + ".final_layer_norm") : flat;
        Value first = dense(normal, name + ".fc1");
        tape.use(normal);
        Value wide = activation(first);
        Value forward = dropout(dense(wide, name + ".fc2"), model.dropout());
        Value output = alias(add(flat, forward), batch, seq, model.hidden());
        return model.normFirst() ? output : norm(output, name + ".final_layer_norm");
    }

    private Value attend(Value x, String name) {
        Value q = heads(dense(x, name + ".q_proj"), model.heads());
        Value k = heads(dense(x, name + ".k_proj"), model.heads());
        Value v = heads(dense(x, name + ".v_proj"), model.heads());
        if (caches()) {
            cache.add(k);
            cache.add(v);
        }
        if (kind == Attention.EAGER) {
            Value scores = matmul(scaled(q), k, batch, model.heads(), seq, seq);
            Value masked = add(scores, small("mask", scores.element, 1));
            Value weights = dropout(to(softmaxInFloat(masked), q.element), model.attentionDropout());
            return dense(
                    merged(copy(matmulOf(weights, v, batch, model.heads(), seq, model.headWidth()))),
                    name + ".out_proj");
        }
        return dense(merged(attention(q, k, v, null)), name + ".out_proj");
    }
}

package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_bert.py} with its masked-language head: norms after each branch, three embeddings. */
class BertNetwork extends LanguageNetwork {
    BertNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    boolean shiftsLabels() {
        return false;
    }

    @Override
    Value logits(Value ids) {
        Value tokens = tokens("bert.embeddings.word_embeddings.weight", ids);
        Value kinds =
                new Value(weight("bert.embeddings.token_type_ids").memory, shape(batch, seq), 8, null, 0, false, null);
        Value types = embedding(weight("bert.embeddings.token_type_embeddings.weight"), kinds);
        Value sum = add(tokens, types);
        Value places = new Value(weight("bert.embeddings.position_ids").memory, shape(1, seq), 8, null, 0, false, null);
        Value positions = embedding(weight("bert.embeddings.position_embeddings.weight"), places);
        Value joined = addInPlace(sum, positions);
        Value hidden = dropout(norm(joined, "bert.embeddings.LayerNorm"), model.dropout());
        tape.use(tokens, types, positions);
        Value mask = small("ones", 4, batch, seq);
        hidden = blocks(hidden, (x, i) -> layer(x, "bert.encoder.layer." + i));
        Value logits = head(hidden, "bert.embeddings.word_embeddings.weight");
        tape.use(mask);
        return logits;
    }

    final Value head(Value hidden, String table) {
        String head = "cls.predictions.";
        Value normal = norm(activation(dense(hidden, head + "transform.dense")), head + "transform.LayerNorm");
        Value weight = model.tied() ? weight(table) : weight(head + "decoder.weight");
        Value logits = head(normal, weight, weight(head + "bias"));
        tape.use(hidden);
        return logits;
    }

    final Value layer(Value input, String name) {
        Value context = attend(input, name + ".attention.self");
        Value attended = dropout(dense(context, name + ".attention.output.dense"), model.dropout());
        Value hidden = norm(add(attended, input), name + ".attention.output.LayerNorm");
        tape.use(attended);
        Value wide = activation(dense(hidden, name + ".intermediate.dense"));
        Value forward = dropout(dense(wide, name + ".output.dense"), model.dropout());
        Value output = norm(add(forward, hidden), name + ".output.LayerNorm");
        tape.use(forward);
        return output;
    }

    Value attend(Value x, String name) {
        Value q = heads(dense(x, name + ".query"), model.heads());
        Value k = heads(dense(x, name + ".key"), model.heads());
        Value v = heads(dense(x, name + ".value"), model.heads());
        if (kind == Attention.EAGER) {
            Value scores = unary("div", matmul(q, k, batch, model.heads(), seq, seq), false, false);
            Value weights = dropout(softmax(add(scores, small("mask", scores.element, 1))), model.attentionDropout());
            return merged(relaid(matmulOf(weights, v, batch, model.heads(), seq, model.headWidth())));
        }
        return merged(attention(q, k, v, null));
    }
}

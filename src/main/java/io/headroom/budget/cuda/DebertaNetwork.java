package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** {@code modeling_deberta.py}: disentangled attention, two position scores twice as wide as the scores themselves. */
final class DebertaNetwork extends BertNetwork {
    private Value pairs;
    private Value relative;

    DebertaNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    @Override
    Value logits(Value ids) {
        Value mask = small("ones", FLOAT, batch, seq, 1);
        Value types = integers("zeros", batch, seq);
        Value tokens = tokens("deberta.embeddings.word_embeddings.weight", ids);
        Value positions = small("zeros_like", FLOAT, batch, seq, model.hidden());
        Value normal = norm(tokens, "deberta.embeddings.LayerNorm");
        Value hidden = dropout(mul(normal, mask), model.dropout());
        tape.use(tokens, positions);
        pairs = small("mul", FLOAT, batch, seq, seq);
        relative = relativePositions();
        hidden = blocks(hidden, (x, i) -> layer(x, "deberta.encoder.layer." + i));
        tape.use(pairs, relative, mask, types);
        return head(hidden, "deberta.embeddings.word_embeddings.weight");
    }

    private Value relativePositions() {
        Value queries = integers("arange", seq);
        Value keys = integers("arange", seq);
        Value repeated = integers("repeat", seq, seq);
        tape.use(keys);
        Value difference = integers("sub", seq, seq);
        tape.use(queries, repeated);
        return difference;
    }

    /** {@code DebertaLayerNorm}, written out in ten operators; only the head uses PyTorch's own. */
    @Override
    Value norm(Value x, String name) {
        if (name.startsWith("cls.")) {
            return super.norm(x, name);
        }
        Value wide = to(x, FLOAT);
        Value mean = meanOfRows(wide);
        Value variance = meanOfRows(pow(minus(wide, mean)));
        Value centred = minus(wide, mean);
        Value deviation = root(plusConstant(variance));
        Value normal = to(quotient(centred, deviation), x.element);
        Value out = add(mul(weight(name + ".weight"), normal), weight(name + ".bias"));
        tape.use(mean, variance, x, normal);
        return out;
    }

    private Value minus(Value a, Value b) {
        return result(a.bytes(), "sub", a.shape, a.element, of(a, b), NOTHING, g -> {
            Memory negative = tape.alloc(a.bytes(), "neg");
            Grad sum = fresh(b.bytes(), "sum");
            tape.use(negative);
            return new Grad[] {g[0], sum};
        });
    }

    private Value root(Value x) {
        Memory out = tape.alloc(x.bytes(), "sqrt");
        return wrap(out, x.shape, x.element, of(x), new Memory[] {out}, g -> {
            Memory twice = tape.alloc(x.bytes(), "mul");
            Grad grad = like(x, "div");
            tape.use(twice);
            return new Grad[] {grad};
        });
    }

    private Value quotient(Value a, Value b) {
        return result(a.bytes(), "div", a.shape, a.element, of(a, b), save(a, b), g -> {
            Memory ratio = tape.alloc(a.bytes(), "div");
            Memory again = tape.alloc(a.bytes(), "div");
            Memory negative = tape.alloc(a.bytes(), "neg");
            Memory full = tape.alloc(a.bytes(), "mul");
            tape.use(ratio);
            tape.use(again);
            tape.use(negative);
            Grad first = like(a, "div");
            Grad sum = fresh(b.bytes(), "sum");
            tape.use(full);
            return new Grad[] {first, sum};
        });
    }

    @Override
    Value attend(Value x, String name) {
        long n = model.heads();
        Value joined = turned(dense(x, name + ".in_proj"));
        Value[] parts = split(joined, 3);
        Value k = heads(parts[1], n);
        Value biased = add(heads(parts[0], n), weight(name + ".q_bias"));
        Value v = add(heads(parts[2], n), weight(name + ".v_bias"));
        Value q = unary("div", biased, false, false);
        Value scores = matmul(q, k, batch, n, seq, seq);
        Value around = disentangled(q, k, name);
        Value total = add(scores, around);
        Value visible = small("to", 1, batch, seq, seq);
        Value hidden = small("bitwise_not", 1, batch, seq, seq);
        Value masked = result(total.bytes(), "masked_fill", total.shape, total.element, of(total), save(hidden), g ->
                new Grad[] {like(total, "masked_fill")});
        Value weights = dropout(softmax(masked), model.attentionDropout());
        Value out = relaid(matmulOf(weights, v, batch, n, seq, model.headWidth()));
        tape.use(visible, q, joined, v, around, masked);
        return merged(out);
    }

    private Value disentangled(Value q, Value k, String name) {
        Value table = dropout(weight("deberta.encoder.rel_embeddings.weight"), model.dropout());
        long span = 2 * Math.min(seq, model.positions());
        Value rows = slice(table, 1, span, model.hidden());
        Value keys = linear(rows, weight(name + ".pos_proj.weight"), null);
        Value toPositions = gathered(spread(q, keys, span), "add");
        Value score = plusConstant(toPositions);
        Value queries = linear(rows, weight(name + ".pos_q_proj.weight"), weight(name + ".pos_q_proj.bias"));
        Value scaled = scaledView(queries);
        Value fromPositions = gathered(spread(k, scaled, span), "neg");
        Value sum = addInPlace(score, fromPositions);
        tape.use(keys, toPositions, queries, fromPositions);
        return sum;
    }

    /** Scores with one table of positions, repeated for every sample. */
    private Value spread(Value a, Value positions, long span) {
        Value table = half(positions);
        Value first = copy(half(a));
        long[] shape = {batch, model.heads(), model.headWidth(), span};
        Value repeated = result(size(shape) * table.element, "clone", shape, table.element, of(table), NOTHING, g ->
                new Grad[] {like(table, "sum")});
        return matmulOfBoth(first, repeated, batch, model.heads(), seq, span);
    }

    /** {@code pos_query_layer /= scale}: in place through a view, whose gradient copies the whole. */
    private Value scaledView(Value x) {
        Node node = tape.node(of(x), NOTHING, 1, g -> {
            Memory zeros = tape.alloc(x.bytes(), "new_zeros");
            tape.use(g[0].memory());
            Grad whole = like(x, "new_empty_strided");
            Memory part = tape.alloc(x.bytes(), "clone");
            Memory divided = tape.alloc(x.bytes(), "div");
            tape.use(part);
            tape.use(divided);
            tape.use(zeros);
            return new Grad[] {whole};
        });
        return new Value(x.memory, x.shape, x.element, node, 0, false, null);
    }

    private Value gathered(Value wide, String first) {
        Value sum = integers(first, seq, seq);
        Value index = integers("clamp", seq, seq);
        tape.use(sum);
        long[] shape = {batch, model.heads(), seq, seq};
        return result(size(shape) * wide.element, "gather", shape, wide.element, of(wide), save(wide, index), g -> {
            Memory zeros = tape.alloc(wide.bytes(), "new_zeros");
            Grad grad = like(wide, "scatter_add");
            tape.use(zeros);
            return new Grad[] {grad};
        });
    }
}

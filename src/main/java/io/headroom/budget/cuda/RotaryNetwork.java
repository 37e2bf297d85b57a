package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** What models with rotary positions share: the angles, the rotation, the RMS norm, heads repeated for grouped queries. */
abstract class RotaryNetwork extends LanguageNetwork {
    Value cos;
    Value sin;

    RotaryNetwork(Tape tape, LanguageModel model, Weights weights, Attention kind, long batch, long seq) {
        super(tape, model, weights, kind, batch, seq);
    }

    /** Cosines and sines of every place, made once a forward pass in fp32. */
    final void angles(long width, int element) {
        Value places = small("to", FLOAT, 1, seq);
        cublas();
        Value frequencies = small("bmm", FLOAT, seq, width / 2);
        Value joined = small("cat", FLOAT, seq, width);
        cos = angle("cos", width);
        sin = angle("sin", width);
        tape.use(places, frequencies, joined);
        cos = to(cos, element);
        sin = to(sin, element);
    }

    private Value angle(String name, long width) {
        Value raw = small(name, FLOAT, seq, width);
        Value scaled = small("mul", FLOAT, seq, width);
        tape.use(raw);
        return new Value(scaled.memory, new long[] {seq, width}, FLOAT, null, 0, false, null);
    }

    /** {@code q * cos + rotate_half(q) * sin}. */
    final Value rotated(Value x) {
        Value straight = mul(x, cos);
        long[] half = x.shape.clone();
        half[half.length - 1] /= 2;
        Value first = slice(x, 1, half);
        Value second = slice(x, 1, half);
        Value negative = unary("neg", second, false, false);
        Value turned = cat(negative, first, x.shape);
        Value crossed = mul(turned, sin);
        return add(straight, crossed);
    }

    /** The RMS norm written out, in fp32: square, mean, add, rsqrt, two products. */
    final Value rms(Value x, String name) {
        Value wide = to(x, FLOAT);
        Value variance = meanOfRows(pow(wide));
        Value normal = mul(wide, rsqrt(plusConstant(variance)));
        Value out = mul(weight(name + ".weight"), to(normal, x.element));
        tape.use(variance, normal, x);
        return out;
    }

    /** Gemma's: the product with one plus the weight is in fp32 too. */
    final Value gemma(Value x, String name) {
        Value wide = to(x, FLOAT);
        Value normal = mul(wide, rsqrt(plusConstant(meanOfRows(pow(wide)))));
        Value out = mul(normal, plusConstant(to(weight(name + ".weight"), FLOAT)));
        return to(out, x.element);
    }

    /** T5's: the mean in fp32, the product in the wider of both types, cast to that of a half weight. */
    final Value t5(Value x, String name) {
        Value weight = weight(name + ".weight");
        Value variance = meanOfRows(pow(to(x, FLOAT)));
        Value normal = mul(x, rsqrt(plusConstant(variance)));
        Value out = mul(weight, weight.element == HALF ? to(normal, HALF) : normal);
        tape.use(variance, normal);
        return out;
    }

    /** {@code repeat_kv}: as many key and value heads as query heads, a copy of its own. */
    final Value repeated(Value x) {
        if (model.keyValueHeads() == model.heads()) {
            return x;
        }
        Value sliced = slice(x, SLICES, x.shape);
        long[] shape = {batch, model.heads(), seq, model.headWidth()};
        return result(size(shape) * x.element, "clone", shape, x.element, of(sliced), NOTHING, g ->
                new Grad[] {like(sliced, "sum")});
    }

    /** {@code matmul(query, key.transpose(2, 3))}: keys that were not repeated lie transposed and are copied as queries are. */
    final Value scores(Value q, Value keys) {
        return model.keyValueHeads() == model.heads()
                ? matmul(q, keys, batch, model.heads(), seq, seq)
                : matmulOfBoth(copy(q), keys, batch, model.heads(), seq, seq);
    }

    /** {@code matmul(weights, value)}, likewise. */
    final Value weighted(Value weights, Value values) {
        return model.keyValueHeads() == model.heads()
                ? matmulOf(weights, values, batch, model.heads(), seq, model.headWidth())
                : matmulOfBoth(weights, values, batch, model.heads(), seq, model.headWidth());
    }

    private static final int SLICES = 4;
}

package io.headroom.workload.step;

import io.headroom.workload.Attention;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;

/** DJL's {@code ScaledDotProductAttentionBlock} on one input: keys, queries, values, scores and the projection of the result. */
final class AttentionLayer extends Layer {
    private final String name;
    private final long dModel;
    private final long headWidth;
    private final long heads;
    private final long keyHeads;
    private final Attention attention;
    private final long chunks;
    private final double dropout;
    private final boolean masked;
    private final LinearLayer keys;
    private final LinearLayer queries;
    private final LinearLayer values;
    private final LinearLayer result;

    AttentionLayer(String name, Workload work) {
        this(name, work, false);
    }

    /** With a mask that is added to the scores. */
    AttentionLayer(String name, Workload work, boolean masked) {
        this.name = name;
        this.masked = masked;
        this.dModel = work.dModel();
        long parts = Sharing.parts(work);
        this.headWidth = work.dModel() / work.heads();
        this.heads = work.heads() / parts;
        this.keyHeads = Math.max(1, work.kvHeads() / parts);
        this.dropout = work.dropout();
        this.attention = work.attention();
        this.chunks = Math.min(work.number(Option.CHUNKS), work.seq());
        long rank = work.loraRank();
        keys = new LinearLayer("keys", keyHeads * headWidth).adapted(rank);
        queries = new LinearLayer("queries", heads * headWidth).adapted(rank);
        values = new LinearLayer("values", keyHeads * headWidth).adapted(rank);
        result = new LinearLayer("attention result", work.dModel()).adapted(rank);
    }

    @Override
    long[] load(Loader loader, long[] in) {
        needs(name, "[batch, seq, width]", "new Shape(32, 128, 512)", 3, in);
        if (in[2] != dModel) {
            throw new IllegalArgumentException(name + " is of width " + dModel + ", but gets an input of width " + in[2]
                    + ": put a Linear of " + dModel + " units before it.");
        }
        keys.load(loader, in);
        queries.load(loader, in);
        values.load(loader, in);
        result.load(loader, new long[] {in[0], in[1], heads * headWidth});
        return in;
    }

    @Override
    Value forward(Operators ops, Value x) {
        long b = x.dim(0);
        long s = x.dim(1);
        Value k = repeated(ops, ops.transpose(keys.forward(ops, x), b, keyHeads, s, headWidth));
        Value q = ops.transpose(queries.forward(ops, x), b, heads, s, headWidth);
        Value v = repeated(ops, ops.transpose(values.forward(ops, x), b, keyHeads, s, headWidth));
        Value mixed = attend(ops, q, k, v);
        mixed = ops.reshape(ops.transpose(mixed, b, s, heads, headWidth), b, s, heads * headWidth);
        return result.forward(ops, mixed);
    }

    private Value attend(Operators ops, Value q, Value k, Value v) {
        long[] square = {q.dim(0), heads, q.dim(2), q.dim(2)};
        return switch (attention) {
            case EAGER -> {
                Value scores = ops.scale(ops.matMul(q, k, square));
                Value seen = masked ? ops.tape().op("mask").passes(scores).makesLike(scores) : scores;
                Value shares = ops.dropout(ops.softmax(seen), dropout);
                yield ops.matMul(shares, v, v.shape());
            }
            case CHUNKED -> ops.chunkedAttention(q, k, v, Tape.size(square, q.valueBytes()), chunks, dropout);
            case SDPA -> ops.fusedAttention(q, k, v);
        };
    }

    /** Grouped keys and values are written out once for each query head, unless a fused kernel reads them as they are. */
    private Value repeated(Operators ops, Value x) {
        if (keyHeads == heads || attention == Attention.SDPA) {
            return x;
        }
        long[] all = x.shape();
        all[1] = heads;
        return ops.tape().op("repeat heads").gives(x).makes(all, x.valueBytes());
    }
}

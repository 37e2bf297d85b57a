package io.headroom.workload.step;

import io.headroom.workload.Attention;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;

/** DJL's {@code TransformerEncoderBlock}: attention, batch norm, feed-forward, batch norm. */
final class EncoderLayer extends Layer {
    private final String name;
    private final long dModel;
    private final long headWidth;
    private final long heads;
    private final long keyHeads;
    private final Attention attention;
    private final long chunks;
    private final double dropout;
    private final LinearLayer keys;
    private final LinearLayer queries;
    private final LinearLayer values;
    private final LinearLayer result;
    private final LinearLayer wide;
    private final LinearLayer narrow;
    private Value gamma1;
    private Value beta1;
    private Value gamma2;
    private Value beta2;

    EncoderLayer(String name, Workload work) {
        this(name, work, work.dModel() / work.heads());
    }

    private EncoderLayer(String name, Workload work, long headWidth) {
        this.name = name;
        this.dModel = work.dModel();
        long parts = Sharing.parts(work);
        this.headWidth = headWidth;
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
        wide = new LinearLayer("feed-forward 1", (work.ff() - 1) / parts + 1);
        narrow = new LinearLayer("feed-forward 2", work.dModel());
    }

    @Override
    String name() {
        return name;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        needs(name + " (a transformer layer)", "[batch, seq, width]", "new Shape(32, 128, 512)", 3, in);
        if (in[2] != dModel) {
            throw new IllegalArgumentException(name + " is a transformer layer of width " + dModel
                    + ", but gets an input of width " + in[2] + ": put a Linear of " + dModel + " units before it.");
        }
        long width = in[2];
        keys.load(loader, in);
        queries.load(loader, in);
        values.load(loader, in);
        result.load(loader, new long[] {in[0], in[1], heads * headWidth});
        gamma1 = loader.weight("gamma", width);
        beta1 = loader.weight("beta", width);
        narrow.load(loader, wide.load(loader, in));
        gamma2 = loader.weight("gamma", width);
        beta2 = loader.weight("beta", width);
        loader.buffer("running statistics", 4 * width);
        return in;
    }

    @Override
    Value forward(Operators ops, Value x) {
        ops.tape().section(name + " · attention");
        long b = x.dim(0);
        long s = x.dim(1);
        Value k = repeated(ops, ops.transpose(keys.forward(ops, x), b, keyHeads, s, headWidth));
        Value q = ops.transpose(queries.forward(ops, x), b, heads, s, headWidth);
        Value v = repeated(ops, ops.transpose(values.forward(ops, x), b, keyHeads, s, headWidth));
        Value mixed = attend(ops, q, k, v);
        mixed = ops.reshape(ops.transpose(mixed, b, s, heads, headWidth), b, s, heads * headWidth);
        Value attended = ops.dropout(result.forward(ops, mixed), dropout);
        Value normal = ops.batchNormLastAxis(ops.add(attended, x), gamma1, beta1);
        ops.tape().section(name + " · feed-forward");
        Value hidden = ops.activation("relu", wide.forward(ops, normal));
        Value fed = ops.dropout(narrow.forward(ops, hidden), dropout);
        Value out = ops.batchNormLastAxis(ops.add(fed, x), gamma2, beta2);
        ops.tape().section("");
        return out;
    }

    private Value attend(Operators ops, Value q, Value k, Value v) {
        long[] square = {q.dim(0), heads, q.dim(2), q.dim(2)};
        return switch (attention) {
            case EAGER -> {
                Value scores = ops.scale(ops.matMul(q, k, square));
                Value shares = ops.dropout(ops.softmax(scores), dropout);
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

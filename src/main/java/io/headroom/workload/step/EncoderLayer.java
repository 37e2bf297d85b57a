package io.headroom.workload.step;

import io.headroom.workload.Workload;

/** DJL's {@code TransformerEncoderBlock}: attention, batch norm, feed-forward, batch norm. */
final class EncoderLayer extends Layer {
    private final String name;
    private final double dropout;
    private final boolean masked;
    private final AttentionLayer attention;
    private final LinearLayer wide;
    private final LinearLayer narrow;
    private Value gamma1;
    private Value beta1;
    private Value gamma2;
    private Value beta2;

    EncoderLayer(String name, Workload work) {
        this(name, work, false);
    }

    /** As one of a {@code BertBlock}: with a mask, and GELU, which keeps its input. */
    EncoderLayer(String name, Workload work, boolean masked) {
        this.name = name;
        this.masked = masked;
        this.dropout = work.dropout();
        attention = new AttentionLayer(name + " (a transformer layer)", work, masked);
        wide = new LinearLayer("feed-forward 1", (work.ff() - 1) / Sharing.parts(work) + 1);
        narrow = new LinearLayer("feed-forward 2", work.dModel());
    }

    @Override
    String name() {
        return name;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        attention.load(loader, in);
        long width = in[2];
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
        Value attended = ops.dropout(attention.forward(ops, x), dropout);
        Value normal = ops.batchNormLastAxis(ops.add(attended, x), gamma1, beta1);
        ops.tape().section(name + " · feed-forward");
        Value widened = wide.forward(ops, normal);
        Value hidden = masked ? ops.activationOfInput("gelu", widened) : ops.activation("relu", widened);
        Value fed = ops.dropout(narrow.forward(ops, hidden), dropout);
        Value out = ops.batchNormLastAxis(ops.add(fed, x), gamma2, beta2);
        ops.tape().section("");
        return out;
    }
}

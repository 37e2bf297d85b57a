package io.headroom.workload.step;

/** DJL's {@code TransformerEncoderBlock}: attention, batch norm, feed-forward, batch norm. */
final class EncoderLayer extends Layer {
    private final String name;
    private final long heads;
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

    EncoderLayer(String name, long width, long heads, long ff, double dropout) {
        this.name = name;
        this.heads = heads;
        this.dropout = dropout;
        keys = new LinearLayer("keys", width);
        queries = new LinearLayer("queries", width);
        values = new LinearLayer("values", width);
        result = new LinearLayer("attention result", width);
        wide = new LinearLayer("feed-forward 1", ff);
        narrow = new LinearLayer("feed-forward 2", width);
    }

    @Override
    long[] load(Loader loader, long[] in) {
        if (in.length != 3) {
            throw new IllegalArgumentException(
                    name + " is a transformer layer: its input has 3 dimensions [batch, seq, " + "width], not "
                            + in.length + ".");
        }
        long width = in[2];
        keys.load(loader, in);
        queries.load(loader, in);
        values.load(loader, in);
        result.load(loader, in);
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
        long w = x.dim(2);
        Value k = ops.transpose(keys.forward(ops, x), b, heads, s, w / heads);
        Value q = ops.transpose(queries.forward(ops, x), b, heads, s, w / heads);
        Value v = ops.transpose(values.forward(ops, x), b, heads, s, w / heads);
        Value scores = ops.scale(ops.matMul(q, k, new long[] {b, heads, s, s}));
        Value shares = ops.dropout(ops.softmax(scores), dropout);
        Value mixed = ops.matMul(shares, v, v.shape());
        mixed = ops.reshape(ops.transpose(mixed, b, s, heads, w / heads), b, s, w);
        Value attended = ops.dropout(result.forward(ops, mixed), dropout);
        Value normal = ops.batchNormLastAxis(ops.add(attended, x), gamma1, beta1);
        ops.tape().section(name + " · feed-forward");
        Value hidden = ops.activation("relu", wide.forward(ops, normal));
        Value fed = ops.dropout(narrow.forward(ops, hidden), dropout);
        Value out = ops.batchNormLastAxis(ops.add(fed, x), gamma2, beta2);
        ops.tape().section("");
        return out;
    }
}

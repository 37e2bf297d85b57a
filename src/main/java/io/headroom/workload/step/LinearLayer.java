package io.headroom.workload.step;

/** {@code x · Wᵀ + b} over the last axis. */
final class LinearLayer extends Layer {
    private final String name;
    private final long units;
    private final boolean biased;
    private Value weight;
    private Value bias;

    LinearLayer(String name, long units) {
        this(name, units, true);
    }

    LinearLayer(String name, long units, boolean biased) {
        this.name = name;
        this.units = units;
        this.biased = biased;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        long width = in[in.length - 1];
        if (in.length > 2 && in.length != 3 && in.length != 4) {
            throw new IllegalArgumentException(name + " gets an input of " + in.length + " dimensions");
        }
        weight = loader.weight(name, units, width);
        bias = biased ? loader.weight(name + " bias", units) : null;
        long[] out = in.clone();
        out[out.length - 1] = units;
        return out;
    }

    @Override
    Value forward(Operators ops, Value x) {
        return ops.linear(x, weight, bias);
    }
}

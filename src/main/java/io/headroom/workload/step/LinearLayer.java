package io.headroom.workload.step;

/** {@code x · Wᵀ + b} over the last axis. */
final class LinearLayer extends Layer {
    private final String name;
    private final long units;
    private final boolean biased;
    private long rank;
    private Value weight;
    private Value bias;
    private Value down;
    private Value up;

    LinearLayer(String name, long units) {
        this(name, units, true);
    }

    LinearLayer(String name, long units, boolean biased) {
        this.name = name;
        this.units = units;
        this.biased = biased;
    }

    /** With a LoRA adapter of this rank beside it; 0 for none. */
    LinearLayer adapted(long adapterRank) {
        rank = adapterRank;
        return this;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        long width = in[in.length - 1];
        weight = loader.weight(name, units, width);
        bias = biased ? loader.weight(name + " bias", units) : null;
        if (rank > 0) {
            down = loader.adapter(name + " A", rank, width);
            up = loader.adapter(name + " B", units, rank);
        }
        long[] out = in.clone();
        out[out.length - 1] = units;
        return out;
    }

    @Override
    Value forward(Operators ops, Value x) {
        Value whole = ops.linear(x, weight, bias);
        return rank == 0 ? whole : ops.add(whole, ops.linear(ops.linear(x, down, null), up, null));
    }
}

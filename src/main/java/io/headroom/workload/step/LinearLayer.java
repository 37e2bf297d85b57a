package io.headroom.workload.step;

import java.util.function.Supplier;

/** {@code x · Wᵀ + b} over the last axis. */
final class LinearLayer extends Layer {
    private final String name;
    private final long units;
    private final boolean biased;
    private final Supplier<Value> shared;
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
        this.shared = null;
    }

    /** With the weight of a layer loaded before, and no bias. */
    LinearLayer(String name, Supplier<Value> shared, long units) {
        this.name = name;
        this.units = units;
        this.biased = false;
        this.shared = shared;
    }

    /** With a LoRA adapter of this rank beside it; 0 for none. */
    LinearLayer adapted(long adapterRank) {
        rank = adapterRank;
        return this;
    }

    @Override
    String name() {
        return name;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        long width = in[in.length - 1];
        weight = shared == null ? loader.weight(name, units, width) : shared.get();
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

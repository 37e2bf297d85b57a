package io.headroom.workload.step;

/**
 * Stacked LSTM on oneDNN, one or both ways: each direction is a layer of its own on the same input, which keeps its result, and
 * the two results are put side by side (libtorch's mkldnn RNN.cpp, {@code mkldnn_rnn}).
 */
final class LstmLayer extends Layer {
    private final long units;
    private final long layers;
    private final int directions;
    private final boolean biased;
    private final double dropout;
    private Value[] weights;

    LstmLayer(long units, long layers, double dropout) {
        this(units, layers, false, true, dropout);
    }

    LstmLayer(long units, long layers, boolean bothWays, boolean biased, double dropout) {
        this.units = units;
        this.layers = layers;
        this.directions = bothWays ? 2 : 1;
        this.biased = biased;
        this.dropout = dropout;
    }

    @Override
    String name() {
        return "lstm";
    }

    @Override
    long[] load(Loader loader, long[] in) {
        needs("an LSTM", "[batch, seq, width]", "new Shape(32, 100, 16)", 3, in);
        int runs = (int) layers * directions;
        weights = new Value[runs * 4];
        long width = in[2];
        String whole = loader.tape().layer();
        for (int run = 0; run < runs; run++) {
            loader.tape().layer(whole + " " + (run / directions + 1));
            weights[run * 4] = loader.weight("input weights", 4 * units, width);
            weights[run * 4 + 1] = loader.weight("hidden weights", 4 * units, units);
            if (biased) {
                weights[run * 4 + 2] = loader.weight("input bias", 4 * units);
                weights[run * 4 + 3] = loader.weight("hidden bias", 4 * units);
            }
            width = run % directions == directions - 1 ? units * directions : width;
        }
        return new long[] {in[0], in[1], units * directions};
    }

    @Override
    Value forward(Operators ops, Value x) {
        if (ops.training()) {
            return forward(ops, x, false);
        }
        Value turned = ops.tape().op("sequence first").makesLike(x);
        Value result = forward(ops, turned, true);
        ops.tape().release(turned);
        return result;
    }

    /** What one layer hands to the next lives on for a backward pass alone. */
    private Value forward(Operators ops, Value x, boolean releases) {
        Value current = x;
        String whole = ops.tape().layer();
        for (int layer = 0; layer < layers; layer++) {
            ops.tape().layer(whole + " " + (layer + 1));
            ops.tape().section("lstm " + (layer + 1));
            Value before = current;
            current = directions == 1 ? run(ops, before, layer) : bothWays(ops, before, 2 * layer);
            if (releases && layer > 0) {
                ops.tape().release(before);
            }
            if (layer < layers - 1) {
                current = ops.dropout(current, dropout);
            }
        }
        ops.tape().section("");
        return current;
    }

    private Value bothWays(Operators ops, Value x, int run) {
        Value there = run(ops, x, run);
        Value back = run(ops, x, run + 1);
        Value both = ops.tape()
                .op("concat")
                .keeps(there, back)
                .gives(back)
                .gives(there)
                .makes(x.shapeWithLast(2 * units), x.valueBytes());
        ops.tape().release(there);
        ops.tape().release(back);
        return both;
    }

    private Value run(Operators ops, Value x, int run) {
        return ops.lstm(
                x,
                weights[run * 4],
                weights[run * 4 + 1],
                weights[run * 4 + 2],
                weights[run * 4 + 3],
                run % directions == 1);
    }
}

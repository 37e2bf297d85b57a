package io.headroom.workload.step;

/**
 * Stacked GRU, or RNN one or both ways: libtorch's CPU kernels walk the positions one by one, with the products of the inputs
 * and their weights made for all positions before.
 *
 * <p>What a position keeps, in arrays of batch × units: of a GRU the three gates, the new value, the state and copies of the two
 * that are overwritten in place (RNN.cpp, {@code GRUCell}); of an RNN its result. That two more live when a GRU's backward pass is at
 * its highest was measured: chosen on a step of two layers of 128 units, then held by one of other sizes.
 */
final class RecurrentLayer extends Layer {
    private static final long GRU_GATES = 3;
    private static final long GRU_KEPT = 7;

    private final String name;
    private final long gates;
    private final long kept;
    private final long units;
    private final long layers;
    private final int directions;
    private final boolean biased;
    private final double dropout;
    private Value[] weights;

    RecurrentLayer(
            String name, boolean gru, long units, long layers, boolean bothWays, boolean biased, double dropout) {
        this.name = name;
        this.gates = gru ? GRU_GATES : 1;
        this.kept = gru ? GRU_KEPT : 1;
        this.units = units;
        this.layers = layers;
        this.directions = bothWays ? 2 : 1;
        this.biased = biased;
        this.dropout = dropout;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        needs(name, "[batch, seq, width]", "new Shape(32, 100, 16)", 3, in);
        int runs = (int) layers * directions;
        weights = new Value[runs * 4];
        long width = in[2];
        for (int run = 0; run < runs; run++) {
            weights[run * 4] = loader.weight("input weights", gates * units, width);
            weights[run * 4 + 1] = loader.weight("hidden weights", gates * units, units);
            if (biased) {
                weights[run * 4 + 2] = loader.weight("input bias", gates * units);
                weights[run * 4 + 3] = loader.weight("hidden bias", gates * units);
            }
            width = run % directions == directions - 1 ? units * directions : width;
        }
        return new long[] {in[0], in[1], units * directions};
    }

    @Override
    Value forward(Operators ops, Value x) {
        Value current = x;
        for (int layer = 0; layer < layers; layer++) {
            ops.tape().section(name + " " + (layer + 1));
            Value one = run(ops, current, layer * directions);
            Value result = one;
            if (directions == 2) {
                Value back = run(ops, current, layer * directions + 1);
                result = ops.tape()
                        .op("concat")
                        .gives(back)
                        .gives(result)
                        .makes(current.shapeWithLast(2 * units), current.valueBytes());
                ops.tape().release(back);
                ops.tape().release(one);
            }
            current = layer < layers - 1 ? ops.dropout(result, dropout) : result;
        }
        ops.tape().section("");
        return current;
    }

    private Value run(Operators ops, Value x, int run) {
        return gates == GRU_GATES ? gru(ops, x, run) : rnn(ops, x, run);
    }

    /** The first layer's input is turned for its product, a copy; what else lives both ways was measured. */
    private Value gru(Operators ops, Value x, int run) {
        long[] shape = x.shapeWithLast(units);
        long output = Tape.size(shape, x.valueBytes());
        Op op = ops.tape().op("positions").keeps(x).scratch(Math.multiplyExact(output, gates));
        if (run < directions) {
            op.keepsNew(x.bytes());
        }
        if (ops.training()) {
            op.keepsNew(Math.multiplyExact(output, kept));
        } else {
            op.scratch(output);
        }
        op.backwardScratch(Math.multiplyExact(output, gates - 2 + directions));
        op.gives(weights[run * 4]).gives(weights[run * 4 + 1]);
        if (biased) {
            op.gives(weights[run * 4 + 2]).gives(weights[run * 4 + 3]);
        }
        return op.gives(x).makes(shape, x.valueBytes());
    }

    private Value rnn(Operators ops, Value x, int run) {
        long[] shape = x.shapeWithLast(units);
        long output = Tape.size(shape, x.valueBytes());
        Op op = ops.tape().op("positions").keeps(x).scratch(Math.multiplyExact(output, gates));
        op.keepsNew(Math.multiplyExact(output, kept));
        op.backwardScratch(Math.multiplyExact(output, gates - 1));
        op.gives(weights[run * 4]).gives(weights[run * 4 + 1]);
        if (biased) {
            op.gives(weights[run * 4 + 2]).gives(weights[run * 4 + 3]);
        }
        return op.gives(x).makes(shape, x.valueBytes());
    }
}

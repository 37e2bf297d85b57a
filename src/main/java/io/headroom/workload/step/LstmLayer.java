package io.headroom.workload.step;

/** Stacked LSTM on oneDNN. */
final class LstmLayer extends Layer {
    private final long units;
    private final long layers;
    private final double dropout;
    private Value[] weights;

    LstmLayer(long units, long layers, double dropout) {
        this.units = units;
        this.layers = layers;
        this.dropout = dropout;
    }

    @Override
    String name() {
        return "lstm";
    }

    @Override
    long[] load(Loader loader, long[] in) {
        needs("an LSTM", "[batch, seq, width]", "new Shape(32, 100, 16)", 3, in);
        weights = new Value[(int) layers * 4];
        long width = in[2];
        String whole = loader.tape().layer();
        for (int layer = 0; layer < layers; layer++) {
            loader.tape().layer(whole + " " + (layer + 1));
            weights[layer * 4] = loader.weight("input weights", 4 * units, width);
            weights[layer * 4 + 1] = loader.weight("hidden weights", 4 * units, units);
            weights[layer * 4 + 2] = loader.weight("input bias", 4 * units);
            weights[layer * 4 + 3] = loader.weight("hidden bias", 4 * units);
            width = units;
        }
        return new long[] {in[0], in[1], units};
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
            current = ops.lstm(
                    before, weights[layer * 4], weights[layer * 4 + 1], weights[layer * 4 + 2], weights[layer * 4 + 3]);
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
}

package io.headroom.workload.step;

import java.util.Arrays;

/** Layers of one weight, perhaps a bias, whose shapes follow from the input's. */
abstract class WeightedLayer extends Layer {
    Value weight;
    Value bias;

    /** A table of rows, one for each token. */
    static WeightedLayer table(long rows, long width) {
        return new WeightedLayer() {
            @Override
            long[] load(Loader loader, long[] in) {
                weight = loader.weight("embedding", rows, width);
                long[] out = Arrays.copyOf(in, in.length + 1);
                out[in.length] = width;
                return out;
            }

            @Override
            Value forward(Operators ops, Value x) {
                return ops.embedding(x, weight, weight.valueBytes());
            }
        };
    }

    /** A linear layer of its own for each part of a sample. */
    static Layer linearCollection(long units, boolean biased) {
        return new WeightedLayer() {
            @Override
            long[] load(Loader loader, long[] in) {
                needs("a LinearCollection", "[batch, parts, width]", "new Shape(32, 4, 512)", 3, in);
                weight = loader.weight("weight", in[1], in[2], units);
                bias = biased ? loader.weight("bias", in[1], units) : null;
                return new long[] {in[0], in[1], units};
            }

            @Override
            Value forward(Operators ops, Value x) {
                long[] shape = x.shapeWithLast(units);
                return BlockOperators.linearCollection(ops, x, weight, bias, shape);
            }
        };
    }

    /** Every value times as many weights as there are units, which become the first axis. */
    static Layer multiplication(long units) {
        return new WeightedLayer() {
            @Override
            long[] load(Loader loader, long[] in) {
                long[] shape = under(units, in);
                shape[1] = 1;
                weight = loader.weight("weight", shape);
                return under(units, in);
            }

            @Override
            Value forward(Operators ops, Value x) {
                return BlockOperators.multiplication(ops, x, weight, under(units, x.shape()));
            }
        };
    }

    private static long[] under(long units, long[] in) {
        long[] out = new long[in.length + 1];
        out[0] = units;
        System.arraycopy(in, 0, out, 1, in.length);
        return out;
    }
}

package io.headroom.workload.step;

import java.util.function.UnaryOperator;

/** A layer without weights. */
final class SimpleLayer extends Layer {
    /** Plays the layer on a value. */
    interface Play {
        Value on(Operators ops, Value x);
    }

    private final UnaryOperator<long[]> shapes;
    private final Play play;

    SimpleLayer(UnaryOperator<long[]> shapes, Play play) {
        this.shapes = shapes;
        this.play = play;
    }

    static SimpleLayer activation(String name) {
        return switch (name) {
            case "relu", "sigmoid", "tanh" -> alike((ops, x) -> ops.activation(name, x));
            default -> alike((ops, x) -> ops.activationOfInput(name, x));
        };
    }

    static SimpleLayer dropout(double rate) {
        return alike((ops, x) -> ops.dropout(x, rate));
    }

    static SimpleLayer maxPool(UnaryOperator<long[]> shapes) {
        return new SimpleLayer(shapes, (ops, x) -> ops.maxPool(x, shapes.apply(x.shape())));
    }

    static SimpleLayer avgPool(UnaryOperator<long[]> shapes) {
        return new SimpleLayer(shapes, (ops, x) -> ops.avgPool(x, shapes.apply(x.shape())));
    }

    static SimpleLayer flatten() {
        UnaryOperator<long[]> flat = in -> {
            long rest = 1;
            for (int i = 1; i < in.length; i++) {
                rest *= in[i];
            }
            return new long[] {in[0], rest};
        };
        return new SimpleLayer(flat, (ops, x) -> ops.reshape(x, flat.apply(x.shape())));
    }

    /** The mean over all positions of an image. */
    static SimpleLayer globalAvgPool() {
        UnaryOperator<long[]> pooled = in -> new long[] {in[0], in[1]};
        return new SimpleLayer(pooled, (ops, x) -> ops.avgPool(x, pooled.apply(x.shape())));
    }

    /** The last position of each sequence. */
    static SimpleLayer last() {
        UnaryOperator<long[]> last = in -> new long[] {in[0], in[2]};
        return new SimpleLayer(last, (ops, x) -> ops.slice(x, last.apply(x.shape())));
    }

    static SimpleLayer alike(Play play) {
        return new SimpleLayer(in -> in, play);
    }

    @Override
    long[] load(Loader loader, long[] in) {
        return shapes.apply(in);
    }

    @Override
    Value forward(Operators ops, Value x) {
        return play.on(ops, x);
    }
}

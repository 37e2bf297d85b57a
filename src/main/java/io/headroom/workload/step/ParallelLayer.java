package io.headroom.workload.step;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Branches on one input and the function that joins them. */
final class ParallelLayer extends Layer {
    private final List<List<Layer>> branches;
    private final UnaryOperator<long[]> joined;

    ParallelLayer(List<List<Layer>> branches, UnaryOperator<long[]> joined) {
        this.branches = branches;
        this.joined = joined;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        for (List<Layer> branch : branches) {
            long[] shape = in;
            for (Layer layer : branch) {
                shape = layer.load(loader, shape);
            }
        }
        return joined.apply(in);
    }

    @Override
    Value forward(Operators ops, Value x) {
        List<Value> results = new ArrayList<>();
        for (List<Layer> branch : branches) {
            Value value = x;
            for (Layer layer : branch) {
                value = layer.forward(ops, value);
            }
            results.add(value);
        }
        Op join = ops.tape().op("join");
        results.forEach(join::passes);
        long[] shape = joined.apply(x.shape());
        return join.makes(shape, results.get(0).valueBytes());
    }
}

package io.headroom.workload.step;

/** What graph attention needs beside {@link Operators}: broadcasting sums, and gathering and scattering along edges. */
final class GraphOperators {
    private final Tape tape;

    GraphOperators(Tape tape) {
        this.tape = tape;
    }

    /** A weight repeated for each sample, as a batched matrix product writes it out; as it is for one sample. */
    Value spread(Value weight, long batch) {
        long[] shape = weight.shape();
        long[] all = {batch, shape[0], shape[1], shape[2]};
        if (batch == 1) {
            return tape.view(weight, all, true);
        }
        return tape.op("repeat scores").gives(weight).makes(all, weight.valueBytes());
    }

    /** A slice that shares memory; its gradient is spread over zeros of the whole. */
    Value part(Value x, long... shape) {
        return tape.op("slice").gives(x).makes(shape, x.valueBytes());
    }

    /** The sum of a column and a row: a matrix. */
    Value addSpread(Value column, Value row, long... shape) {
        return tape.op("add").gives(column).gives(row).makes(shape, column.valueBytes());
    }

    /** The products of values and a weight, summed over the last axis. */
    Value sumOfProduct(Value x, Value weight, long... shape) {
        Value product = tape.op("scores")
                .keeps(x, weight)
                .backwardScratch(x.bytes())
                .gives(weight)
                .gives(x)
                .makesLike(x);
        return tape.op("sum").gives(product).makes(shape, x.valueBytes());
    }

    /** The rows that the edges name; the gradient is added up into zeros of the whole. */
    Value gather(Value x, long... shape) {
        return tape.op("gather").gives(x).makes(shape, x.valueBytes());
    }

    /** Shares among the edges that meet in a node: largest, difference, power, sum and quotient, each for every edge. */
    Value softmaxOfGroups(Value x, long... groups) {
        tape.op("largest").makes(groups, x.valueBytes());
        Value largest = tape.op("gather").makes(x.shape(), x.valueBytes());
        Value less = tape.op("subtract").keeps(largest).passes(x).makesLike(x);
        Value power = tape.op("exp").keepsResult().givesAlike(less).makesLike(less);
        Value sum = tape.op("scatter").gives(power).makes(groups, x.valueBytes());
        Value sums = gather(sum, x.shape());
        return tape.op("divide")
                .keeps(power, sums)
                .backwardScratch(x.bytes())
                .gives(power)
                .gives(sums)
                .makesLike(power);
    }

    /** Values times one weight for each row. */
    Value times(Value x, Value weight) {
        return tape.op("weigh")
                .keeps(x, weight)
                .backwardScratch(x.bytes())
                .gives(weight)
                .gives(x)
                .makesLike(x);
    }

    /** Adds what the edges bring to their nodes. */
    Value scatterAdd(Value x, long... shape) {
        return tape.op("scatter").gives(x).makes(shape, x.valueBytes());
    }
}

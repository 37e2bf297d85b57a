package io.headroom.workload.step;

import io.headroom.workload.Workload;

/**
 * Graph attention: scores of every node for every node as {@code Workload.newBlock()} builds them, or one for each edge as PyTorch
 * Geometric's {@code GATConv} gathers and scatters them.
 */
final class GraphLayer extends Layer {
    private static final int INDEX_BYTES = 8;

    private final String name;
    private final long heads;
    private final long width;
    private final long nodes;
    private final long edges;
    private final double dropout;
    private final boolean first;
    private final LinearLayer projection;
    private Value scores;

    GraphLayer(String name, Workload work, boolean first) {
        this.name = name;
        this.heads = work.heads();
        this.width = work.dModel() / heads;
        this.nodes = work.nodes();
        this.edges = work.edges();
        this.dropout = work.dropout();
        this.first = first;
        projection = new LinearLayer("projection", work.dModel(), false);
    }

    @Override
    String name() {
        return name;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        if (first && edges == 0) {
            loader.data("edges", Float.BYTES, nodes, nodes);
        } else if (first) {
            loader.data("edges", INDEX_BYTES, 2, in[0], edges);
        }
        long[] out = projection.load(loader, in);
        scores = loader.weight("scores", heads, width, 2);
        return out;
    }

    @Override
    Value forward(Operators ops, Value x) {
        ops.tape().section(name);
        Value projected = projection.forward(ops, ops.dropout(x, dropout));
        Value mixed = edges == 0 ? dense(ops, projected) : sparse(ops, projected);
        Value out = ops.activationOfInput("elu", mixed);
        ops.tape().section("");
        return out;
    }

    private Value dense(Operators ops, Value x) {
        GraphOperators graph = new GraphOperators(ops.tape());
        long batch = x.dim(0);
        long[] pairs = {batch, heads, nodes, nodes};
        Value values = ops.transpose(x, batch, heads, nodes, width);
        Value both = ops.matMul(values, graph.spread(ops.cast(scores, x.valueBytes()), batch), batch, heads, nodes, 2);
        Value of = graph.part(both, batch, heads, nodes, 1);
        Value to = graph.part(both, batch, heads, 1, nodes);
        Value raw = ops.activationOfInput("leaky relu", graph.addSpread(of, to, pairs));
        Value seen = ops.tape().op("edges").passes(raw).makesLike(raw);
        Value shares = ops.dropout(ops.softmax(seen), dropout);
        Value mixed = ops.matMul(shares, values, values.shape());
        return ops.reshape(ops.transpose(mixed, batch, nodes, heads, width), batch, nodes, heads * width);
    }

    private Value sparse(Operators ops, Value x) {
        GraphOperators graph = new GraphOperators(ops.tape());
        long batch = x.dim(0);
        long[] each = {batch, edges, heads};
        Value values = ops.reshape(x, batch, nodes, heads, width);
        Value weight = ops.cast(scores, x.valueBytes());
        Value of = graph.sumOfProduct(values, weight, batch, nodes, heads);
        Value to = graph.sumOfProduct(values, weight, batch, nodes, heads);
        Value raw = ops.add(graph.gather(of, each), graph.gather(to, each));
        Value shares = graph.softmaxOfGroups(ops.activationOfInput("leaky relu", raw), batch, nodes, heads);
        Value sent = graph.gather(values, batch, edges, heads, width);
        Value weighed = graph.times(sent, ops.dropout(shares, dropout));
        return graph.scatterAdd(weighed, batch, nodes, heads * width);
    }
}

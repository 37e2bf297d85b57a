package io.headroom.workload.step;

import io.headroom.workload.Option;
import io.headroom.workload.Workload;

/** A row of the token table for each token, plus its position's. */
final class EmbeddingLayer extends Layer {
    private final Workload work;
    private final long tableRows;
    private Value tokens;
    private Value positions;

    EmbeddingLayer(Workload work, long tableRows) {
        this.work = work;
        this.tableRows = tableRows;
    }

    /** The token table, once loaded. */
    Value table() {
        return tokens;
    }

    @Override
    String name() {
        return "embedding";
    }

    @Override
    long[] load(Loader loader, long[] in) {
        tokens = loader.weight("token table", tableRows, work.dModel());
        long rows = work.number(Option.POSITIONS);
        positions = rows == 0 ? null : loader.weight("position table", rows, work.dModel());
        return new long[] {in[0], in[1], work.dModel()};
    }

    @Override
    Value forward(Operators ops, Value x) {
        Value embedded = ops.embedding(x, tokens, work.precision().activationBytes());
        return positions == null
                ? embedded
                : ops.tape()
                        .op("add positions")
                        .passes(embedded)
                        .gives(positions)
                        .makesLike(embedded);
    }
}

package io.headroom.workload.step;

import ai.djl.nn.Parameter;
import java.util.List;

/**
 * DJL's {@code BertBlock}: the tokens' embeddings and their types' and positions', batch norm, transformer layers under a mask,
 * and the pooled output of one position beside that of all.
 *
 * <p>It closes what its embeddings and each of its transformer layers made as soon as they are done, unlike a sequence of the
 * same blocks, where that lives until the step ends.
 */
final class BertLayer extends Layer {
    private final String name;
    private final Parameter positions;
    private final WeightedLayer table;
    private final Layer tokens;
    private final Layer types;
    private final Layer norm;
    private final double dropout;
    private final List<Layer> encoders;
    private final Layer pooling;
    private Value places;
    private Value pooled;

    BertLayer(
            String name,
            Parameter positions,
            WeightedLayer table,
            Layer tokens,
            Layer types,
            Layer norm,
            double dropout,
            List<Layer> encoders,
            Layer pooling) {
        this.name = name;
        this.positions = positions;
        this.table = table;
        this.tokens = tokens;
        this.types = types;
        this.norm = norm;
        this.dropout = dropout;
        this.encoders = encoders;
        this.pooling = pooling;
    }

    /** The weights of the tokens' embedding. */
    Value table() {
        return table.weight;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        needs(name + " (a BertBlock)", "[batch, seq]", "new Shape(8, 128)", 2, in);
        long seq = positions.getShape().get(0);
        if (in[1] != seq) {
            throw new IllegalArgumentException(name + " adds the embeddings of all its " + seq
                    + " positions, so it runs on sequences of that length alone, but gets one of " + in[1]
                    + ". Give an input of new Shape(" + in[0] + ", " + seq + "), or optMaxSequenceLength(" + in[1]
                    + ") to its builder.");
        }
        String whole = loader.tape().layer();
        loader.freeze(!positions.requiresGradient());
        places = loader.weight("positionEmbedding", positions.getShape().getShape());
        long[] out = tokens.load(loader, in);
        types.load(loader, in);
        norm.load(loader, out);
        for (int i = 0; i < encoders.size(); i++) {
            loader.tape().layer(whole + " transformer_" + i);
            encoders.get(i).load(loader, out);
        }
        loader.tape().layer(whole);
        pooling.load(loader, new long[] {out[0], out[2]});
        return out;
    }

    @Override
    List<Value> others() {
        return List.of(pooled);
    }

    @Override
    Value forward(Operators ops, Value x) {
        Tape tape = ops.tape();
        String whole = tape.layer();
        Value typeIds = tape.input("token types", x.shape(), x.valueBytes());
        Value masks = tape.input("masks", x.shape(), x.valueBytes());
        long[] square = {x.dim(0), x.dim(1), x.dim(1)};
        tape.open();
        Value current = embed(ops, x, typeIds);
        tape.op("mask").scratch(Math.multiplyExact(masks.bytes(), 2L)).makes(square, Float.BYTES);
        tape.op("mask").makes(square, Float.BYTES);
        tape.op("mask").makes(square, Float.BYTES);
        tape.closeKeeping(current);
        tape.op("mask").makes(square, Float.BYTES);
        for (int i = 0; i < encoders.size(); i++) {
            tape.layer(whole + " transformer_" + i);
            tape.open();
            current = encoders.get(i).forward(ops, current);
            tape.closeKeeping(current);
        }
        tape.layer(whole);
        Value first = ops.slice(current, new long[] {current.dim(0), current.dim(2)});
        pooled = ops.activation("tanh", pooling.forward(ops, first));
        return current;
    }

    private Value embed(Operators ops, Value x, Value typeIds) {
        Value sum = ops.add(tokens.forward(ops, x), types.forward(ops, typeIds));
        Value placed = ops.tape().op("add").passes(sum).gives(places).makesLike(sum);
        return ops.dropout(norm.forward(ops, placed), dropout);
    }
}

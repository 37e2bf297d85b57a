package io.headroom.workload.step;

import ai.djl.nn.Parameter;
import java.util.List;

/**
 * DJL's {@code BertPretrainingBlock}: BERT, the logarithms of each token's share at the masked places, and of the next sentence.
 *
 * <p>All that BERT made is closed with it; the loss is taken of both results.
 */
final class BertPretrainingLayer extends Layer {
    private final BertLayer bert;
    private final long perSequence;
    private final Layer projection;
    private final Layer norm;
    private final Parameter dictionary;
    private final Layer sentences;
    private Value bias;
    private Value next;

    BertPretrainingLayer(
            BertLayer bert, long perSequence, Layer projection, Layer norm, Parameter dictionary, Layer sentences) {
        this.bert = bert;
        this.perSequence = perSequence;
        this.projection = projection;
        this.norm = norm;
        this.dictionary = dictionary;
        this.sentences = sentences;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        loader.freeze(!dictionary.requiresGradient());
        bias = loader.weight("dictionaryBias", dictionary.getShape().getShape());
        long width = bert.load(loader, in)[2];
        long[] gathered = {Math.multiplyExact(in[0], perSequence), width};
        norm.load(loader, projection.load(loader, gathered));
        sentences.load(loader, new long[] {in[0], width});
        return new long[] {gathered[0], bias.dim(0)};
    }

    @Override
    List<Value> others() {
        return List.of(next);
    }

    @Override
    Value forward(Operators ops, Value x) {
        Tape tape = ops.tape();
        Value indices = tape.input("masked places", new long[] {x.dim(0), perSequence}, x.valueBytes());
        tape.open();
        Value sequence = bert.forward(ops, x);
        next = sentences.forward(ops, bert.others().get(0));
        tape.open();
        Value shares = shares(ops, sequence, indices);
        tape.closeKeeping(shares);
        tape.closeKeeping(shares);
        return shares;
    }

    private Value shares(Operators ops, Value sequence, Value indices) {
        Tape tape = ops.tape();
        long width = sequence.dim(2);
        long places = Math.multiplyExact(indices.dim(0), perSequence);
        Value flat = ops.reshape(sequence, sequence.dim(0) * sequence.dim(1), width);
        Value gathered = tape.op("gather").keeps(indices).gives(flat).makes(new long[] {places, width}, Float.BYTES);
        Value hidden = ops.activationOfInput("gelu", projection.forward(ops, gathered));
        Value normal = norm.forward(ops, hidden);
        Value table = bert.table();
        Value logits = tape.op("token scores")
                .keeps(normal, table)
                .gives(table)
                .gives(normal)
                .makes(new long[] {places, table.dim(0)}, Float.BYTES);
        Value biased = tape.op("add").passes(logits).gives(bias).makesLike(logits);
        return ops.logSoftmax(biased);
    }
}

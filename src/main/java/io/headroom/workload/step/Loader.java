package io.headroom.workload.step;

import io.headroom.workload.Workload;
import io.headroom.workload.ZeroGrad;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Allocates weights with the gradients and optimizer state that belong to them. */
final class Loader {
    private final Workload work;
    private final Tape tape;
    private final List<Value> trained = new ArrayList<>();
    private final boolean adaptersOnly;
    private final Map<Object, List<Value>> weightsOf = new IdentityHashMap<>();
    private List<Value> own = new ArrayList<>();
    private Iterator<Value> again;
    private boolean frozen;
    private final Sharing sharing;
    private long parameters;
    private long loaded;
    private long loadedBefore;
    private long largestLayer;

    Loader(Workload work, Tape tape) {
        this.work = work;
        this.tape = tape;
        this.sharing = new Sharing(work);
        this.adaptersOnly = work.architecture().has(io.headroom.workload.Option.LORA_RANK) && work.loraRank() > 0;
    }

    Tape tape() {
        return tape;
    }

    /** Whether the weights that follow are frozen. */
    void freeze(boolean on) {
        frozen = on;
    }

    /** The weights that follow are those of this block; one that was loaded before has the same again. */
    void begin(Object block) {
        List<Value> before = weightsOf.get(block);
        again = before == null ? null : before.iterator();
        own = before == null ? new ArrayList<>() : before;
        weightsOf.put(block, own);
    }

    /** Ends the weights of a block. */
    void end() {
        again = null;
        own = new ArrayList<>();
    }

    /** A weight that is trained unless it or all but adapters are frozen. */
    Value weight(String name, long... shape) {
        return weight(name, !frozen && !adaptersOnly, shape);
    }

    /** A weight of an adapter. */
    Value adapter(String name, long... shape) {
        return weight(name, true, shape);
    }

    /** Something saved with the model that no gradient reaches, such as a running mean. */
    void buffer(String name, long values) {
        if (again != null) {
            return;
        }
        parameters += values;
        tape.weight(name, new long[] {values}, 4, false);
    }

    /** Data that every step meets and no gradient reaches, such as the edges of a graph. */
    void data(String name, int valueBytes, long... shape) {
        tape.input(name, shape, valueBytes);
    }

    private Value weight(String name, boolean train, long[] shape) {
        if (again != null) {
            return again.next();
        }
        boolean learns = train && !work.isInference();
        Value weight = tape.weight(name, shape, work.precision().weightBytes(), learns);
        long values = weight.bytes() / weight.valueBytes();
        loaded += weight.bytes();
        parameters += values;
        if (learns) {
            trained.add(weight);
            if (work.zeroGrad() == ZeroGrad.IN_PLACE || work.zeroGrad() == ZeroGrad.BEFORE_BACKWARD) {
                tape.addGradient(weight, name);
            }
            tape.addState(name, sharing.state(work.optimizer().stateBytes(shape, weight.valueBytes())));
        }
        own.add(weight);
        return weight;
    }

    /** What several devices need besides, or spare, once the whole model is known. */
    void share() {
        tape.buffer(
                "gradient buckets",
                sharing.buckets(trainedBytes(), work.precision().weightBytes()));
        tape.buffer("largest layer, gathered", sharing.gathered(largestLayer, !work.isInference()));
    }

    /** Ends a layer: what was loaded since the last is one. */
    void layerLoaded() {
        largestLayer = Math.max(largestLayer, loaded - loadedBefore);
        loadedBefore = loaded;
    }

    long trainedBytes() {
        long sum = 0;
        for (Value weight : trained) {
            sum += weight.bytes();
        }
        return sum;
    }

    List<Value> trained() {
        return trained;
    }

    long parameters() {
        return parameters;
    }
}

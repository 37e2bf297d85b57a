package io.headroom.workload.step;

import java.util.List;

/** A layer under the name it has in the block. */
final class NamedLayer extends Layer {
    private final String name;
    private final Layer layer;
    private final boolean frozen;
    private final Object block;

    /** Of a block that may be used in several places, with the same weights in each. */
    NamedLayer(String name, Layer layer, boolean frozen, Object block) {
        this.name = name;
        this.block = block;
        this.layer = layer;
        this.frozen = frozen;
    }

    @Override
    String name() {
        return name;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        loader.freeze(frozen);
        loader.begin(block);
        long[] out = layer.load(loader, in);
        loader.end();
        loader.freeze(false);
        return out;
    }

    @Override
    List<Value> others() {
        return layer.others();
    }

    @Override
    Value forward(Operators ops, Value x) {
        ops.tape().section(name);
        Value out = layer.forward(ops, x);
        ops.tape().section("");
        return out;
    }
}

package io.headroom.workload.step;

/** A layer under the name it has in the block. */
final class NamedLayer extends Layer {
    private final String name;
    private final Layer layer;
    private final boolean frozen;

    NamedLayer(String name, Layer layer, boolean frozen) {
        this.name = name;
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
        long[] out = layer.load(loader, in);
        loader.freeze(false);
        return out;
    }

    @Override
    Value forward(Operators ops, Value x) {
        ops.tape().section(name);
        Value out = layer.forward(ops, x);
        ops.tape().section("");
        return out;
    }
}

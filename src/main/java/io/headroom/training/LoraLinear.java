package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import ai.djl.training.initializer.NormalInitializer;
import ai.djl.util.PairList;

/** A frozen linear layer and the two small matrices that are trained beside it. */
final class LoraLinear extends Linear {
    private final Linear base;
    private final Parameter down;
    private final Parameter up;
    private final float scale;
    private boolean merged;

    LoraLinear(Linear base, int rank, float alpha) {
        super(Linear.builder().setUnits(weight(base).getShape().get(0)));
        this.base = base;
        this.scale = alpha / rank;
        Shape shape = weight(base).getShape();
        // the layer's own weight and bias are the base's: two sets would be saved and counted twice
        parameters.clear();
        addChildBlock("base", base);
        down = addParameter(Parameter.builder()
                .setName("loraA")
                .setType(Parameter.Type.OTHER)
                .optInitializer(new NormalInitializer((float) (1 / Math.sqrt(shape.get(1)))))
                .optShape(new Shape(rank, shape.get(1)))
                .build());
        up = addParameter(Parameter.builder()
                .setName("loraB")
                .setType(Parameter.Type.OTHER)
                .optInitializer(Initializer.ZEROS)
                .optShape(new Shape(shape.get(0), rank))
                .build());
        NDArray home = weight(base).getArray();
        down.initialize(home.getManager(), home.getDataType());
        up.initialize(home.getManager(), home.getDataType());
    }

    static Parameter weight(Linear linear) {
        return linear.getDirectParameters().get("weight");
    }

    Linear base() {
        return base;
    }

    Parameter down() {
        return down;
    }

    Parameter up() {
        return up;
    }

    /** Adds the adapter to the base's weight, once. */
    void merge() {
        if (!merged) {
            try (NDArray delta = delta()) {
                weight(base).getArray().addi(delta);
            }
            merged = true;
        }
    }

    /** Takes out again what {@link #merge()} added. */
    void unmerge() {
        if (merged) {
            try (NDArray delta = delta()) {
                weight(base).getArray().subi(delta);
            }
            merged = false;
        }
    }

    private NDArray delta() {
        try (NDArray product = up.getArray().matMul(down.getArray())) {
            return product.mul(scale);
        }
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
        NDArray x = inputs.singletonOrThrow();
        NDArray whole = base.forward(store, inputs, training, params).head();
        if (merged) {
            return new NDList(whole);
        }
        NDArray narrow =
                Linear.linear(x, store.getValue(down, x.getDevice(), training)).head();
        NDArray wide = Linear.linear(narrow, store.getValue(up, x.getDevice(), training))
                .head();
        return new NDList(whole.add(scale == 1 ? wide : wide.mul(scale)));
    }

    @Override
    public void prepare(Shape[] inputShapes) {}

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
        base.initialize(manager, dataType, inputShapes);
    }
}

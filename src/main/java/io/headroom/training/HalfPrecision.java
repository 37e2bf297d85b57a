package io.headroom.training;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SymbolBlock;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.training.ParameterStore;
import java.util.function.UnaryOperator;

/**
 * fp16 compute over fp32 weights, as {@code torch.autocast} does it, and the loss scale that keeps small gradients from
 * vanishing.
 *
 * <p>A block asks its parameter store for a weight and gets an fp16 copy made under the recorded graph, so that the gradient
 * comes back to the fp32 weight. Norms keep fp32 weights and statistics.
 */
final class HalfPrecision {
    static final float FIRST_SCALE = 65_536f;
    private static final float LARGEST_EXACT = 2_048f;
    private static final int GROWTH_INTERVAL = 2_000;

    private final HalfStore store;
    private float scale = FIRST_SCALE;
    private int goodSteps;

    HalfPrecision(NDManager manager) {
        this.store = new HalfStore(manager);
    }

    /**
     * Checks that a block can be computed in a data type.
     *
     * @throws IllegalArgumentException for any type but float16
     * @throws UnsupportedOperationException for a block whose weights DJL cannot reach
     */
    static void check(Block block, DataType type) {
        if (type == DataType.BFLOAT16) {
            throw new IllegalArgumentException(
                    "precision = bfloat16: DJL 0.35.1 ends the whole process on bfloat16 arrays."
                            + " Use DataType.FLOAT16.");
        }
        if (type != DataType.FLOAT16) {
            throw new IllegalArgumentException("precision = " + type.toString().toLowerCase(java.util.Locale.ROOT)
                    + ": half precision is DataType.FLOAT16.");
        }
        block.getChildren().values().forEach(child -> check(child, type));
        if (block instanceof SymbolBlock) {
            throw new UnsupportedOperationException(
                    "half precision: the weights of a TorchScript model cannot be cast from Java. Save it in half in Python"
                            + " (model.half()), or build the model from DJL blocks.");
        }
    }

    float scale() {
        return scale;
    }

    NDList forward(Block block, NDList data, boolean training) {
        return forward(block, data, halves -> block.forward(store, halves, training));
    }

    NDList forward(Block block, NDList data, NDList labels) {
        return forward(block, data, halves -> block.forward(store, halves, labels, null));
    }

    private NDList forward(Block block, NDList data, UnaryOperator<NDList> pass) {
        store.batch = data.head().getManager();
        NDList halves = new NDList();
        boolean embeds = embeds(block);
        data.forEach(array -> halves.add(embeds && isIds(array) ? array : half(array)));
        try {
            NDList outputs = pass.apply(halves);
            NDList results = new NDList();
            outputs.forEach(array -> results.add(
                    array.getDataType() == DataType.FLOAT16 ? Autograd.cast(array, DataType.FLOAT32) : array));
            return results;
        } catch (EngineException e) {
            String text = String.valueOf(e.getMessage());
            if (text.contains("dtype") || text.contains("not implemented for 'Half'") || text.contains("scalar type")) {
                throw new UnsupportedOperationException(
                        "half precision: a layer of "
                                + block.getClass().getSimpleName()
                                + " mixes fp16 with fp32, or has no fp16 kernel on "
                                + data.head().getDevice()
                                + ". Train it in fp32; activations also shrink by Checkpointing.of(block, segments). PyTorch says: "
                                + text.lines().findFirst().orElse(""),
                        e);
            }
            throw e;
        }
    }

    /**
     * Takes a finished step's gradient norm: true if it is finite; else the step must be skipped and the scale halves.
     *
     * @throws IllegalStateException if it is not finite at loss scale 1, which no smaller scale can mend
     */
    boolean accept(double norm) {
        if (Double.isFinite(norm)) {
            if (++goodSteps >= GROWTH_INTERVAL) {
                goodSteps = 0;
                scale = Math.min(scale * 2, Float.MAX_VALUE / 4);
            }
            return true;
        }
        if (scale <= 1) {
            throw new IllegalStateException(
                    "half precision: the gradients are not finite at loss scale 1, so it is not"
                            + " the scale: the loss is NaN or infinite. The step was dropped, the weights are as before. Look for"
                            + " NaN in the data, lower the learning rate, or go on in fp32: trainer.precision(DataType.FLOAT32).");
        }
        goodSteps = 0;
        scale = Math.max(1, scale / 2);
        return false;
    }

    private static boolean embeds(Block block) {
        return block instanceof Embedding
                || block instanceof IdEmbedding
                || block.getChildren().values().stream().anyMatch(HalfPrecision::embeds);
    }

    /** Token ids as DJL takes them, in floats: fp16 would turn those above 2 048 into other tokens. */
    private static boolean isIds(NDArray array) {
        if (array.getDataType() != DataType.FLOAT32 || array.isEmpty()) {
            return false;
        }
        try (NDArray values = array.stopGradient();
                NDArray largest = values.max()) {
            if (!(largest.getFloat() > LARGEST_EXACT)) {
                return false;
            }
            try (NDArray whole = values.round();
                    NDArray equal = values.eq(whole);
                    NDArray all = equal.all()) {
                return all.getBoolean();
            }
        }
    }

    private static NDArray half(NDArray array) {
        return array.getDataType() == DataType.FLOAT32 || array.getDataType() == DataType.FLOAT64
                ? Autograd.cast(array, DataType.FLOAT16)
                : array;
    }

    private static final class HalfStore extends ParameterStore {
        /** Owns the copies, so that they go with the batch: a weight's own manager lives as long as the model. */
        private NDManager batch;

        private HalfStore(NDManager manager) {
            super(manager, false);
        }

        @Override
        public NDArray getValue(Parameter parameter, Device device, boolean training) {
            NDArray value = super.getValue(parameter, device, training);
            if (value == null) {
                return null;
            }
            return switch (parameter.getType()) {
                case GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR -> value;
                default -> Autograd.cast(value, DataType.FLOAT16, batch);
            };
        }
    }
}

package io.headroom.workload.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.convolutional.Convolution;
import ai.djl.nn.convolutional.Deconvolution;
import ai.djl.nn.core.ConstantEmbedding;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.LinearCollection;
import ai.djl.nn.core.Multiplication;
import ai.djl.nn.core.Prelu;
import ai.djl.nn.core.SparseMax;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.GhostBatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.nn.recurrent.RecurrentBlock;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.BertMaskedLanguageModelBlock;
import ai.djl.nn.transformer.BertNextSentenceBlock;
import ai.djl.nn.transformer.BertPretrainingBlock;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import io.headroom.workload.Workload;
import java.lang.reflect.Field;
import java.util.List;
import java.util.function.UnaryOperator;

/** Reads the sizes of one block of DJL's {@code nn}; what no class tells is refused with what to do instead. */
final class BlockReader {
    private BlockReader() {}

    /** What is not known from a block's class; {@link Models} adds the cell to type. */
    static final class UnknownBlock extends IllegalArgumentException {
        private static final long serialVersionUID = 1;

        UnknownBlock(String message) {
            super(message);
        }
    }

    /** The layer of a block that holds no other, or is known as a whole. */
    static Layer layer(Block block, String path) {
        String name = path.isEmpty() ? block.getClass().getSimpleName() : path;
        if (block instanceof Linear) {
            long units = block.getOutputShapes(new Shape[] {new Shape(1, 1)})[0].tail();
            return new LinearLayer("weight", units, has(block, "bias"));
        }
        if (block instanceof Convolution conv) {
            return new ConvLayer(
                    name,
                    conv.getFilters(),
                    conv.getKernelShape().getShape(),
                    conv.getStride().getShape(),
                    conv.getPadding().getShape(),
                    conv.getDilation().getShape(),
                    conv.getGroups(),
                    conv.isIncludeBias());
        }
        if (block.getClass() == BatchNorm.class) {
            return NormLayer.batch((int) number(block, "axis"));
        }
        if (block instanceof LayerNorm) {
            return NormLayer.layer();
        }
        if (block instanceof Dropout) {
            return SimpleLayer.dropout(number(block, "rate"));
        }
        if (block instanceof Embedding<?> embedding) {
            return WeightedLayer.table(
                    (long) number(embedding, "numEmbeddings"), (long) number(embedding, "embeddingSize"));
        }
        if (block instanceof LSTM lstm) {
            return recurrent(lstm, name);
        }
        if (block instanceof TransformerEncoderBlock) {
            return encoder(block, name);
        }
        if (block instanceof ScaledDotProductAttentionBlock) {
            return attention(block, name);
        }
        return seldom(block, path, name);
    }

    private static Layer seldom(Block block, String path, String name) {
        if (block.getClass() == GhostBatchNorm.class) {
            return NormLayer.ghost((int) number(block, "axis"));
        }
        if (block instanceof GRU || block instanceof RNN) {
            return recurrent((RecurrentBlock) block, name);
        }
        if (block instanceof IdEmbedding) {
            return WeightedLayer.table((long) number(block, "dictionarySize"), (long) number(block, "embeddingSize"));
        }
        if (block instanceof LinearCollection) {
            return WeightedLayer.linearCollection((long) number(block, "units"), has(block, "bias"));
        }
        if (block instanceof Multiplication) {
            return WeightedLayer.multiplication((long) number(block, "units"));
        }
        if (block instanceof SparseMax) {
            int largest = (int) number(block, "topK");
            return SimpleLayer.alike((ops, x) -> BlockOperators.sparseMax(ops, x, largest));
        }
        if (block instanceof ConstantEmbedding) {
            return constant(((NDArray) value(block, "embedding")).getShape());
        }
        if (block instanceof BertNextSentenceBlock) {
            return new SentenceLayer();
        }
        throw unknown(block, path);
    }

    private static IllegalArgumentException unknown(Block block, String path) {
        String at = path.isEmpty() ? "" : " at " + path;
        if (block instanceof Prelu || block instanceof Deconvolution) {
            return new IllegalArgumentException(
                    "DJL's PyTorch engine has no " + block.getClass().getSimpleName() + at
                            + ": no step of it runs, so none is estimated. "
                            + (block instanceof Prelu
                                    ? "Use Activation.leakyReluBlock(0.25f)."
                                    : "Enlarge the image in a LambdaBlock and let a Conv2d follow it."));
        }
        if (block instanceof BertBlock
                || block instanceof BertPretrainingBlock
                || block instanceof BertMaskedLanguageModelBlock) {
            return new IllegalArgumentException("A " + block.getClass().getSimpleName() + at
                    + " takes several inputs, a step that is estimated takes one. Measure a step of your own loop:"
                    + " watch(() -> EasyTrain.trainBatch(trainer, batch)); sizes close to it are"
                    + " transformer().vocab(…).seq(…).dModel(…).heads(…).layers(…).");
        }
        return new UnknownBlock("The memory of a " + block.getClass().getName() + at
                + " is not known from its class, so the step cannot be estimated.");
    }

    private static Layer recurrent(RecurrentBlock block, String name) {
        boolean bothWays = flag(block, "bidirectional");
        boolean biased = flag(block, "hasBiases");
        if (!flag(block, "batchFirst")) {
            throw new IllegalArgumentException(name + " takes the sequence first, but a step's first dimension is its"
                    + " batch: leave optBatchFirst(false) out, and put a LambdaBlock that turns the input before it.");
        }
        if (bothWays && biased) {
            throw new IllegalArgumentException(
                    name + " is bidirectional and has biases, whose order DJL's PyTorch engine"
                            + " mixes up: no step of it runs. Add optHasBiases(false).");
        }
        if (bothWays && !(block instanceof RNN)) {
            throw new UnknownBlock(
                    name + " is a bidirectional " + block.getClass().getSimpleName() + ", whose memory is not known.");
        }
        long units = (long) number(block, "stateSize");
        long layers = (long) number(block, "numLayers");
        double dropout = number(block, "dropRate");
        return block instanceof LSTM
                ? new LstmLayer(units, layers, biased, dropout)
                : new RecurrentLayer(name, block instanceof GRU, units, layers, bothWays, biased, dropout);
    }

    /** The states that a recurrent block hands on beside its result, for a batch of that size; none if it does not. */
    static List<Shape> states(Block block, long batch) {
        if (!(block instanceof RecurrentBlock) || !flag(block, "returnState")) {
            return List.of();
        }
        long runs = (long) number(block, "numLayers") * (flag(block, "bidirectional") ? 2 : 1);
        Shape state = new Shape(runs, batch, (long) number(block, "stateSize"));
        return block instanceof LSTM ? List.of(state, state) : List.of(state);
    }

    private static Layer constant(Shape row) {
        UnaryOperator<long[]> result = in -> new Shape(in).addAll(row).getShape();
        return new SimpleLayer(
                result, (ops, x) -> ops.tape().op("constant").makes(result.apply(x.shape()), Float.BYTES));
    }

    private static Layer attention(Block block, String name) {
        return new AttentionLayer(
                name,
                Workload.transformer()
                        .dModel((long) number(block, "embeddingSize"))
                        .heads((long) number(block, "headCount"))
                        .dropout(number(value(block, "attentionProbsDropout"), "rate")));
    }

    private static Layer encoder(Block block, String name) {
        Object attention = value(block, "selfAttentionBlock");
        long width = (long) number(attention, "embeddingSize");
        Block wide = ((Block) value(block, "pointWisefullyConnected"))
                .getChildren()
                .get(0)
                .getValue();
        long ff = wide.getOutputShapes(new Shape[] {new Shape(1, 1, width)})[0].tail();
        return new EncoderLayer(
                name,
                Workload.transformer()
                        .dModel(width)
                        .heads((long) number(attention, "headCount"))
                        .ff(ff)
                        .dropout(number(value(block, "selfAttentionDropout"), "rate")));
    }

    private static boolean has(Block block, String name) {
        return block.getDirectParameters().contains(name);
    }

    private static double number(Object block, String field) {
        return ((Number) value(block, field)).doubleValue();
    }

    private static boolean flag(Object block, String field) {
        return (Boolean) value(block, field);
    }

    /** DJL has no getters for some settings. */
    private static Object value(Object block, String field) {
        for (Class<?> at = block.getClass(); at != null; at = at.getSuperclass()) {
            try {
                Field found = at.getDeclaredField(field);
                found.setAccessible(true);
                return found.get(block);
            } catch (NoSuchFieldException e) {
                continue;
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        }
        throw new IllegalStateException("DJL's " + block.getClass().getName() + " has no field " + field
                + ": this DJL is another than the one the library reads.");
    }
}

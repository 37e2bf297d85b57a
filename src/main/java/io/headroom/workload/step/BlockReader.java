package io.headroom.workload.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
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
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import io.headroom.workload.Workload;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Reads the sizes of one block of DJL's {@code nn}; what no class tells is refused with what to do instead. */
final class BlockReader {
    private BlockReader() {}

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
            return table(block);
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

    /** A BertBlock; its parts are frozen each for itself. */
    static BertLayer bert(Block block, String path) {
        String name = path.isEmpty() ? "" : path + " ";
        List<Layer> encoders = new ArrayList<>();
        for (Object encoder : (List<?>) value(block, "transformerEncoderBlocks")) {
            String at = name + "transformer_" + encoders.size();
            encoders.add(part((Block) encoder, at, new EncoderLayer(at, sizes((Block) encoder), true)));
        }
        Block tokens = (Block) value(block, "tokenEmbedding");
        WeightedLayer table = table(tokens);
        return new BertLayer(
                path.isEmpty() ? "BertBlock" : path,
                ((Parameter) value(block, "positionEmebdding")),
                table,
                part(tokens, name + "tokenEmbedding", table),
                part((Block) value(block, "typeEmbedding"), name + "typeEmbedding", null),
                part((Block) value(block, "embeddingNorm"), name + "embeddingNorm", null),
                number(value(block, "embeddingDropout"), "rate"),
                encoders,
                part((Block) value(block, "pooling"), name + "poolingProjection", null));
    }

    /** A BertPretrainingBlock for that many masked places of each sequence. */
    static Layer pretraining(Block block, String path, long places) {
        String name = path.isEmpty() ? "" : path + " ";
        Block masked = (Block) value(block, "mlBlock");
        return new BertPretrainingLayer(
                bert((Block) value(block, "bertBlock"), name + "Bert"),
                places,
                part((Block) value(masked, "sequenceProjection"), name + "sequenceProjection", null),
                part((Block) value(masked, "sequenceNorm"), name + "sequenceNorm", null),
                (Parameter) value(masked, "dictionaryBias"),
                part((Block) value(block, "nsBlock"), name + "BertNextSentenceBlock", null));
    }

    private static Layer part(Block block, String name, Layer known) {
        Layer layer = known == null ? layer(block, name) : known;
        return new NamedLayer(name, layer, BlockLayers.isFrozen(block), block);
    }

    private static WeightedLayer table(Block block) {
        return WeightedLayer.table((long) number(block, "dictionarySize"), (long) number(block, "embeddingSize"));
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
        if (block instanceof BertMaskedLanguageModelBlock) {
            return new IllegalArgumentException("A BertMaskedLanguageModelBlock" + at
                    + " takes another block's table of tokens as an input: estimate the BertPretrainingBlock that it is"
                    + " part of.");
        }
        return new UnknownBlock(name(block.getClass())
                + at
                + (block.getClass().getName().startsWith("ai.djl.")
                        ? " is a block whose memory is not known"
                        : " has code of its own"));
    }

    /** Without the wrapper that a notebook puts around the classes of its cells: {@code REPL.$JShell$12$}. */
    private static String name(Class<?> type) {
        return type.getName().replaceFirst("^REPL\\.\\$JShell\\$\\w+?\\$(?=\\D)", "");
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
        long units = (long) number(block, "stateSize");
        long layers = (long) number(block, "numLayers");
        double dropout = number(block, "dropRate");
        return block instanceof LSTM
                ? new LstmLayer(units, layers, bothWays, biased, dropout)
                : new RecurrentLayer(name, block instanceof GRU, units, layers, bothWays, biased, dropout);
    }

    /** What a block hands on beside its first result, for a batch of that size: a recurrent block's states, BERT's pooled output. */
    static List<Shape> states(Block block, long batch) {
        if (block instanceof BertBlock bert) {
            return List.of(new Shape(batch, bert.getEmbeddingSize()));
        }
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
        return new EncoderLayer(name, sizes(block));
    }

    private static Workload sizes(Block block) {
        Object attention = value(block, "selfAttentionBlock");
        long width = (long) number(attention, "embeddingSize");
        Block wide = ((Block) value(block, "pointWisefullyConnected"))
                .getChildren()
                .get(0)
                .getValue();
        long ff = wide.getOutputShapes(new Shape[] {new Shape(1, 1, width)})[0].tail();
        return Workload.transformer()
                .dModel(width)
                .heads((long) number(attention, "headCount"))
                .ff(ff)
                .dropout(number(value(block, "selfAttentionDropout"), "rate"));
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

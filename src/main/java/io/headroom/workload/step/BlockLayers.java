package io.headroom.workload.step;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Convolution;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import io.headroom.workload.Workload;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/**
 * The layers of a DJL block, read from its parts without initializing it.
 *
 * <p>A {@code LambdaBlock} whose result has another shape than its input is asked for that shape once, by the engine, with a
 * batch of one; nothing else allocates.
 */
final class BlockLayers {
    private static final Map<Block, Map<Shape, Shape>> RESULTS = new WeakHashMap<>();

    private BlockLayers() {}

    /** One layer for each part; sequences inside sequences are opened up. */
    static List<Layer> of(Block block) {
        List<Layer> layers = new ArrayList<>();
        add(block, "", layers);
        return layers;
    }

    private static void add(Block block, String path, List<Layer> layers) {
        if (block instanceof SequentialBlock sequence && !sequence.isReturnIntermediate()) {
            sequence.getChildren().forEach(child -> add(child.getValue(), path + child.getKey() + " ", layers));
        } else {
            layers.add(new Named(path.trim(), layer(block, path.trim()), isFrozen(block)));
        }
    }

    private static Layer layer(Block block, String path) {
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
            return new TableLayer((long) number(embedding, "numEmbeddings"), (long) number(embedding, "embeddingSize"));
        }
        if (block instanceof LSTM) {
            return lstm(block, name);
        }
        if (block instanceof TransformerEncoderBlock) {
            return encoder(block, name);
        }
        if (block instanceof LambdaBlock lambda) {
            return lambda(lambda);
        }
        if (block instanceof ParallelBlock parallel) {
            return new ParallelLayer(
                    parallel.getChildren().values().stream()
                            .map(BlockLayers::of)
                            .toList(),
                    results(parallel, name));
        }
        throw unknown(block, path);
    }

    private static IllegalArgumentException unknown(Block block, String path) {
        String at = path.isEmpty() ? "" : " at " + path;
        return new IllegalArgumentException(
                "The memory of a " + block.getClass().getName() + at
                        + " is not known from its class, so the step cannot be estimated. Measure small steps instead:"
                        + " probe(step).");
    }

    private static Layer lstm(Block block, String name) {
        if (flag(block, "bidirectional")
                || !flag(block, "batchFirst")
                || flag(block, "returnState")
                || !flag(block, "hasBiases")) {
            throw new IllegalArgumentException(name + " is an LSTM that is bidirectional, returns its state, has no"
                    + " biases or takes the sequence first; its memory is not known. Measure small steps instead, with the same"
                    + " arguments: probe(block, new Shape(…), adam()).");
        }
        return new LstmLayer(
                (long) number(block, "stateSize"), (long) number(block, "numLayers"), number(block, "dropRate"));
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

    private static Layer lambda(LambdaBlock block) {
        String name = block.getName().toLowerCase(Locale.ROOT);
        return switch (name) {
            case "relu", "sigmoid", "tanh" -> SimpleLayer.activation(name);
            case "relu6", "softplus", "leakyrelu", "elu", "selu", "gelu", "swish", "mish" ->
                SimpleLayer.alike((ops, x) -> ops.activationOfInput(name, x));
            case "batchflatten" -> SimpleLayer.flatten();
            case "identity" -> SimpleLayer.alike((ops, x) -> x);
            default -> pool(name, results(block, block.getName()));
        };
    }

    private static Layer pool(String name, UnaryOperator<long[]> results) {
        if (name.contains("maxpool")) {
            return SimpleLayer.maxPool(results);
        }
        if (name.contains("avgpool")) {
            return SimpleLayer.avgPool(results);
        }
        return new SimpleLayer(results, (ops, x) -> unnamed(ops, name, x, results.apply(x.shape())));
    }

    /** A function of the user's: as many values in another shape are a reshape, fewer a slice, equal shapes an activation. */
    private static Value unnamed(Operators ops, String name, Value x, long[] shape) {
        if (Arrays.equals(shape, x.shape())) {
            return ops.tape().op(name).keeps(x).keepsResult().givesAlike(x).makesLike(x);
        }
        long bytes = Tape.size(shape, x.valueBytes());
        if (bytes == x.bytes()) {
            return ops.reshape(x, shape);
        }
        return bytes < x.bytes()
                ? ops.slice(x, shape)
                : ops.tape().op(name).keeps(x).gives(x).makes(shape, x.valueBytes());
    }

    /** The shape that a block with code of the user's makes of an input, asked with a batch of one. */
    private static UnaryOperator<long[]> results(Block block, String name) {
        return in -> {
            long[] one = in.clone();
            one[0] = 1;
            Map<Shape, Shape> known;
            synchronized (RESULTS) {
                known = RESULTS.computeIfAbsent(block, key -> new ConcurrentHashMap<>());
            }
            long[] out = known.computeIfAbsent(new Shape(one), shape -> ask(block, name, shape))
                    .getShape()
                    .clone();
            out[0] = Math.multiplyExact(out[0], in[0]);
            return out;
        };
    }

    private static Shape ask(Block block, String name, Shape in) {
        try {
            Shape[] out = block.getOutputShapes(new Shape[] {in});
            if (out.length != 1 || out[0].dimension() == 0) {
                throw new IllegalArgumentException(
                        name + " has " + out.length + " results; a step with one result of a batch can be estimated.");
            }
            return out[0];
        } catch (ai.djl.engine.EngineException | IndexOutOfBoundsException | UnsupportedOperationException e) {
            throw new IllegalArgumentException(
                    name + " does not take an input of shape " + in + ": " + e.getMessage()
                            + " Give Workload.of(…) the input shape that the block was written for, the batch first.",
                    e);
        }
    }

    private static boolean has(Block block, String name) {
        return block.getDirectParameters().contains(name);
    }

    /** A layer of which some parameters are frozen and some not counts as trained: its gradients are then too many. */
    private static boolean isFrozen(Block block) {
        List<Parameter> parameters = block.getParameters().values();
        return !parameters.isEmpty() && parameters.stream().noneMatch(Parameter::requiresGradient);
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

    /** A layer under the name it has in the block. */
    private static final class Named extends Layer {
        private final String name;
        private final Layer layer;
        private final boolean frozen;

        Named(String name, Layer layer, boolean frozen) {
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

    /** A table of rows, one for each token. */
    private static final class TableLayer extends Layer {
        private final long rows;
        private final long width;
        private Value table;

        TableLayer(long rows, long width) {
            this.rows = rows;
            this.width = width;
        }

        @Override
        long[] load(Loader loader, long[] in) {
            table = loader.weight("embedding", rows, width);
            long[] out = Arrays.copyOf(in, in.length + 1);
            out[in.length] = width;
            return out;
        }

        @Override
        Value forward(Operators ops, Value x) {
            return ops.embedding(x, table, table.valueBytes());
        }
    }

    /** Branches on one input and the function that joins them. */
    private static final class ParallelLayer extends Layer {
        private final List<List<Layer>> branches;
        private final UnaryOperator<long[]> joined;

        ParallelLayer(List<List<Layer>> branches, UnaryOperator<long[]> joined) {
            this.branches = branches;
            this.joined = joined;
        }

        @Override
        long[] load(Loader loader, long[] in) {
            for (List<Layer> branch : branches) {
                long[] shape = in;
                for (Layer layer : branch) {
                    shape = layer.load(loader, shape);
                }
            }
            return joined.apply(in);
        }

        @Override
        Value forward(Operators ops, Value x) {
            List<Value> results = new ArrayList<>();
            for (List<Layer> branch : branches) {
                Value value = x;
                for (Layer layer : branch) {
                    value = layer.forward(ops, value);
                }
                results.add(value);
            }
            Op join = ops.tape().op("join");
            results.forEach(join::passes);
            long[] shape = joined.apply(x.shape());
            return join.makes(shape, results.get(0).valueBytes());
        }
    }
}

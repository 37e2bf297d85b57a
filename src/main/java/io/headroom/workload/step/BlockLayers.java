package io.headroom.workload.step;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.BertPretrainingBlock;
import ai.djl.training.ParameterStore;
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
    private static final Map<Block, Integer> HANDED_ON = new WeakHashMap<>();

    private final List<Layer> layers = new ArrayList<>();
    private final List<Shape> inputs;
    private final boolean branch;
    private Block before;

    private BlockLayers(List<Shape> inputs, boolean branch) {
        this.inputs = inputs;
        this.branch = branch;
    }

    /** One layer for each part; sequences inside sequences are opened up. */
    static List<Layer> of(Block block, List<Shape> inputs) {
        return of(block, inputs, false);
    }

    private static List<Layer> of(Block block, List<Shape> inputs, boolean branch) {
        BlockLayers walk = new BlockLayers(inputs, branch);
        walk.add(block, "");
        walk.end(null);
        return walk.layers;
    }

    private void add(Block block, String path) {
        if (block instanceof SequentialBlock sequence && !sequence.isReturnIntermediate()) {
            sequence.getChildren().forEach(child -> add(child.getValue(), path + child.getKey() + " "));
            return;
        }
        end(block);
        if (before instanceof BertBlock && block instanceof LambdaBlock function) {
            Layer bert = layers.remove(layers.size() - 1);
            Layer after = lambda(function, before);
            Layer picks = new PickLayer(bert, handedOn(function, before), picked(function, before), after);
            layers.add(new NamedLayer(bert.name(), picks, false, block));
            layers.add(SimpleLayer.alike((ops, x) -> x)); // checkpointing parts the function from BERT
            before = block;
            return;
        }
        layers.add(new NamedLayer(path.trim(), layer(block, path.trim()), isFrozen(block), block));
        before = block;
    }

    /** Several results need a function that picks the one to go on with. */
    private void end(Block next) {
        if (before instanceof BertPretrainingBlock && next != null) {
            throw new IllegalArgumentException("a BertPretrainingBlock has two results, of which its loss takes both:"
                    + " let it be the last block.");
        }
        if (before instanceof BertBlock && next != null && !(next instanceof LambdaBlock)) {
            throw new IllegalArgumentException("a BertBlock has two results, of all positions and pooled: add a"
                    + " LambdaBlock after it, such as new LambdaBlock(list -> new NDList(list.get(1)), \"pooled\").");
        }
        if (before instanceof BertBlock) {
            return;
        }
        if (before != null && !BlockReader.states(before, 1).isEmpty() && !(next instanceof LambdaBlock)) {
            throw new IllegalArgumentException("a " + before.getClass().getSimpleName()
                    + " that returns its state has several results: add a LambdaBlock after it, such as new"
                    + " LambdaBlock(list -> new NDList(list.head()), \"output\"), or leave optReturnState(true) out.");
        }
    }

    private Layer layer(Block block, String path) {
        String name = path.isEmpty() ? block.getClass().getSimpleName() : path;
        if (block instanceof LambdaBlock lambda) {
            return lambda(lambda, before);
        }
        if (block instanceof ParallelBlock parallel) {
            return new ParallelLayer(
                    parallel.getChildren().values().stream()
                            .map(part -> of(part, inputs, true))
                            .toList(),
                    results(parallel, name));
        }
        if (block instanceof BertBlock || block instanceof BertPretrainingBlock) {
            if (branch || !layers.isEmpty()) {
                throw new IllegalArgumentException("A " + name + " takes several inputs: let it be the first block of a"
                        + " SequentialBlock, so that they are the model's.");
            }
            return block instanceof BertBlock
                    ? BlockReader.bert(block, path)
                    : BlockReader.pretraining(
                            block, path, inputs.get(inputs.size() - 1).get(1));
        }
        return BlockReader.layer(block, path);
    }

    /** Which of a block's results a function returns as it is, asked with a batch of one; -1 if none. */
    private int handedOn(LambdaBlock function, Block before) {
        Shape positions = new Shape(
                1, inputs.get(0).get(1), BlockReader.states(before, 1).get(0).get(1));
        synchronized (HANDED_ON) {
            return HANDED_ON.computeIfAbsent(function, key -> {
                try (NDManager manager = NDManager.newBaseManager()) {
                    NDList results = new NDList(manager.zeros(positions));
                    BlockReader.states(before, 1).forEach(shape -> results.add(manager.zeros(shape)));
                    NDList out = function.forward(new ParameterStore(manager, false), results, false);
                    for (int i = 0; i < results.size(); i++) {
                        if (out.size() == 1 && results.get(i) == out.head()) { // equals compares what they hold
                            return i;
                        }
                    }
                    return -1;
                }
            });
        }
    }

    private static Layer lambda(LambdaBlock block, Block before) {
        if (before != null && !BlockReader.states(before, 1).isEmpty()) {
            return pool("", picked(block, before));
        }
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

    /** What a function makes of a recurrent block's result and states, whose batch may be on any axis. */
    private static UnaryOperator<long[]> picked(LambdaBlock block, Block before) {
        return in -> {
            long[] one = picked(block, before, in, 1);
            long[] two = picked(block, before, in, 2);
            long[] out = one.clone();
            for (int axis = 0; axis < out.length; axis++) {
                out[axis] = Math.addExact(one[axis], Math.multiplyExact(two[axis] - one[axis], in[0] - 1));
            }
            return out;
        };
    }

    private static long[] picked(LambdaBlock block, Block before, long[] in, long batch) {
        long[] shape = in.clone();
        shape[0] = batch;
        List<Shape> shapes = new ArrayList<>(List.of(new Shape(shape)));
        shapes.addAll(BlockReader.states(before, batch));
        return ask(block, block.getName(), shapes.toArray(Shape[]::new)).getShape();
    }

    private static Shape ask(Block block, String name, Shape... in) {
        try {
            Shape[] out = block.getOutputShapes(in);
            if (out.length != 1 || out[0].dimension() == 0) {
                throw new IllegalArgumentException(
                        name + " has " + out.length + " results; a step with one result of a batch can be estimated.");
            }
            return out[0];
        } catch (ai.djl.engine.EngineException | IndexOutOfBoundsException | UnsupportedOperationException e) {
            throw new IllegalArgumentException(
                    name + " does not take an input of shape " + in[0] + ": " + e.getMessage()
                            + " Give Workload.of(…) the input shape that the block was written for, the batch first.",
                    e);
        }
    }

    /** A layer of which some parameters are frozen and some not counts as trained: its gradients are then too many. */
    static boolean isFrozen(Block block) {
        List<Parameter> parameters = block.getParameters().values();
        return !parameters.isEmpty() && parameters.stream().noneMatch(Parameter::requiresGradient);
    }
}

package io.headroom.training;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Sampler;
import ai.djl.training.optimizer.Adam;
import ai.djl.training.optimizer.AdamW;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.optimizer.Sgd;
import io.headroom.memory.LiveArrays;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads from a cell and the notebook's variables which training step of the user's own the cell runs.
 *
 * <p>The block is that of the one trainer, model or block that the cell names (or of the notebook's only trainer, where
 * it names none); the batch is that of the array the block takes and every call that trains ({@code forward},
 * {@code trainBatch}, {@code fit} …) is given whole, else that of the data set it names. Comments, strings, arrays that the
 * cell takes slices of or gives to other methods do not count, nor variables whose name the cell gives to a parameter, a
 * loop variable or a local. Where two could be meant, or the cell does not train, there is no answer: a wrong workload is
 * worse than none.
 *
 * <pre>{@code
 * CellTraining.find("EasyTrain.fit(trainer, 5, photos, null)", Map.of("trainer", trainer, "photos", photos));
 * // block SequentialBlock on (64, 3, 224, 224) batch=64 optimizer=adam
 * }</pre>
 *
 * <p>Calls nothing but DJL's getters: shapes are read, arrays are not. Safe after the failure it is asked about; any
 * thread.
 */
public final class CellTraining {
    private static final Pattern NAME = Pattern.compile("[A-Za-z_$][\\w$]*");
    /** Calls that lead to a backward pass; {@code trainer.evaluate} does not. */
    private static final Pattern TRAINS =
            Pattern.compile("\\.backward\\s*\\(|\\bfit\\w*\\s*\\(|\\btrain(?!er\\b|ing)\\w*\\s*\\(|\\.step\\s*\\(");

    private static final String SLICES =
            "\\s*(?:\\.\\s*(?:get|split|slice|chunk|gather|take|booleanMask)\\w*\\s*\\(|\\[)";
    /** Cells of this library that know their workload themselves. */
    private static final Pattern OUR_OWN = Pattern.compile("(?<![.\\w$])(?:run|compare|probe|train)\\s*\\(");

    private static final Pattern OWN_TRAINER = Pattern.compile("\\.newTrainer\\s*\\(");

    private static final Pattern MICRO_BATCHES =
            Pattern.compile("MicroBatches\\s*\\.\\s*train\\s*\\([^;]*,\\s*(\\w+)\\s*\\)");

    private CellTraining() {}

    /**
     * The step that this cell runs, once.
     *
     * @param cell its code
     * @param variables the notebook's variables by name
     * @return empty where the cell trains nothing, or it cannot be told which block on which input
     */
    public static Optional<Workload> find(String cell, Map<String, Object> variables) {
        String code = CellSource.code(cell);
        if (!TRAINS.matcher(code).find() || OUR_OWN.matcher(code).find()) {
            return Optional.empty();
        }
        CellScope scope = new CellScope(code);
        Map<String, Object> seen = new LinkedHashMap<>(variables);
        seen.keySet().removeAll(scope.declared()); // hidden by the cell's own
        Map<String, Object> named = named(code, seen);
        Map<String, Object> others = OWN_TRAINER.matcher(code).find() ? named : seen;
        Optional<Trainer> trainer = only(of(Trainer.class, named)).or(() -> only(of(Trainer.class, others)));
        if (trainer.filter(HeadroomTrainer.class::isInstance).isPresent()) {
            return Optional.empty(); // it has remedies in it already, which it does not tell
        }
        Optional<Block> block = trainer.map(each -> each.getModel().getBlock())
                .or(() -> only(of(Model.class, named)).map(Model::getBlock))
                .or(() -> only(of(Block.class, named)));
        return block.flatMap(each -> input(each, code, scope, named).map(shape -> new Found(each, shape)))
                .flatMap(found -> optimizer(trainer, others)
                        .flatMap(kind -> microBatched(Workload.of(found.block, found.input, kind), code)));
    }

    private record Found(Block block, Shape input) {}

    private static Map<String, Object> named(String code, Map<String, Object> variables) {
        Map<String, Object> named = new LinkedHashMap<>();
        Matcher names = NAME.matcher(code);
        while (names.find()) {
            Object value = variables.get(names.group());
            if (value != null) {
                named.put(names.group(), value);
            }
        }
        return named;
    }

    private static <T> Collection<T> of(Class<T> type, Map<String, Object> variables) {
        Set<T> found = Collections.newSetFromMap(new IdentityHashMap<>());
        variables.values().stream().filter(type::isInstance).map(type::cast).forEach(found::add);
        return found;
    }

    private static <T> Optional<T> only(Collection<T> found) {
        return found.size() == 1 ? Optional.of(found.iterator().next()) : Optional.empty();
    }

    private static Optional<Shape> input(Block block, String code, CellScope scope, Map<String, Object> named) {
        Optional<Shape> expected = expected(block);
        Map<String, Object> passed = passedOn(code, named);
        passed.values().removeIf(value -> array(value)
                .filter(LiveArrays::isOpen)
                .map(NDArray::getShape)
                .filter(shape -> shape.dimension() > 0 && shape.size() > 0)
                .filter(shape -> expected.isEmpty() || takes(expected.get(), shape))
                .filter(shape -> expected.isPresent() || shape.dimension() > 1)
                .isEmpty());
        List<Shape> given = passed.values().stream()
                .map(value -> array(value).orElseThrow().getShape())
                .toList();
        Collection<RandomAccessDataset> sets = of(RandomAccessDataset.class, named);
        List<Long> sampled =
                sets.stream().flatMap(set -> batch(set).stream()).distinct().toList();
        List<Long> batches = Stream.concat(given.stream().map(shape -> shape.get(0)), sampled.stream())
                .distinct()
                .toList();
        if (batches.size() != 1 || (!sets.isEmpty() && sampled.isEmpty())) {
            return Optional.empty();
        }
        if (sets.isEmpty()
                && !scope.trainsOn(
                        passed.keySet(),
                        name -> named.containsKey(name)
                                && array(named.get(name)).isPresent(),
                        name -> named.get(name) instanceof Number)) {
            return Optional.empty();
        }
        return given.stream().max((a, b) -> Long.compare(a.size(), b.size())).or(() -> expected.filter(
                        shape -> sets.size() == 1)
                .map(shape -> new Shape(batches.get(0)).addAll(shape.slice(1))));
    }

    /** The variables that stand bare as an argument or behind {@code =}, and that the cell takes no slices of. */
    private static Map<String, Object> passedOn(String code, Map<String, Object> named) {
        String trained = code;
        for (Map.Entry<String, Object> each : named.entrySet()) {
            if (each.getValue() instanceof Trainer) {
                trained = trained.replaceAll(
                        "(?<![\\w$])" + Pattern.quote(each.getKey()) + "\\s*\\.\\s*evaluate\\s*\\([^;]*", " ");
            }
        }
        Map<String, Object> passed = new LinkedHashMap<>();
        for (Map.Entry<String, Object> each : named.entrySet()) {
            String name = "(?<![\\w$.])" + Pattern.quote(each.getKey()) + "(?![\\w$])";
            boolean bare = Pattern.compile("[(,={]\\s*" + name + "\\s*(?:[),;}]|$)")
                    .matcher(trained)
                    .find();
            if (bare && !Pattern.compile(name + SLICES).matcher(code).find()) {
                passed.put(each.getKey(), each.getValue());
            }
        }
        return passed;
    }

    /** What the block was initialized for; its batch is often 1. */
    private static Optional<Shape> expected(Block block) {
        try {
            Shape[] shapes = block.isInitialized() ? block.getInputShapes() : new Shape[0];
            return shapes.length == 1 && shapes[0].dimension() > 0 ? Optional.of(shapes[0]) : Optional.empty();
        } catch (RuntimeException untold) {
            return Optional.empty();
        }
    }

    /** Another batch is another step of the same block, and so is another length of sequence. */
    private static boolean takes(Shape expected, Shape given) {
        int last = expected.dimension() - 1;
        if (given.dimension() != expected.dimension()) {
            return false;
        }
        for (int i = last == 2 ? 2 : 1; i <= last; i++) {
            if (expected.get(i) > 0 && given.get(i) != expected.get(i)) {
                return false;
            }
        }
        return true;
    }

    private static Optional<NDArray> array(Object value) {
        if (value instanceof NDArray array) {
            return Optional.of(array);
        }
        NDList list = value instanceof Batch batch ? batch.getData() : value instanceof NDList own ? own : null;
        return list != null && list.size() == 1 ? Optional.of(list.get(0)) : Optional.empty();
    }

    private static Optional<Long> batch(RandomAccessDataset data) {
        return Fields.value(RandomAccessDataset.class, "sampler", data)
                .filter(Sampler.class::isInstance)
                .map(sampler -> (long) ((Sampler) sampler).getBatchSize())
                .filter(size -> size > 0);
    }

    private static Optional<OptimizerKind> optimizer(Optional<Trainer> trainer, Map<String, Object> variables) {
        return trainer.flatMap(Fields::optimizer)
                .or(() -> only(of(TrainingConfig.class, variables)).map(TrainingConfig::getOptimizer))
                .or(() -> only(of(Optimizer.class, variables)))
                .flatMap(CellTraining::kind);
    }

    static Optional<OptimizerKind> kind(Object optimizer) {
        if (optimizer instanceof AdamW) {
            return Optional.of(OptimizerKind.ADAMW);
        }
        if (optimizer instanceof Adam) {
            return Optional.of(OptimizerKind.ADAM);
        }
        if (optimizer instanceof Sgd) {
            return Fields.value(Sgd.class, "momentum", optimizer)
                    .map(momentum -> ((Float) momentum) == 0 ? OptimizerKind.SGD : OptimizerKind.MOMENTUM);
        }
        return Optional.empty();
    }

    private static Optional<Workload> microBatched(Workload step, String code) {
        Matcher call = MICRO_BATCHES.matcher(code);
        if (!call.find()) {
            return Optional.of(step);
        }
        try {
            int count = Integer.parseInt(call.group(1));
            return count > 0 && step.batch() % count == 0 ? Optional.of(step.accumulation(count)) : Optional.empty();
        } catch (NumberFormatException variable) {
            return Optional.empty();
        }
    }
}

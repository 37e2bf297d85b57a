package io.headroom.training;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The parts of a forward pass that were run without a graph and are run again in the backward pass.
 *
 * <p>Each part reads leaves and writes leaves, so the graph of one never reaches into another; going back through them in
 * the reverse of their order completes each upstream gradient before it is used. One at a time per thread.
 */
final class Replay implements AutoCloseable {
    private static final ThreadLocal<Replay> CURRENT = new ThreadLocal<>();

    private final Replay outer;
    private final Deque<Part> parts = new ArrayDeque<>();
    private Long nextSeed;
    private NDManager kept;

    private Replay(Replay outer) {
        this.outer = outer;
    }

    /** One step of the way back. */
    interface Part {
        /**
         * Goes back through this part.
         *
         * @param keepGraph whether a part still to come flows into a graph that this one may flow into too
         */
        void backward(boolean keepGraph);

        /** Whether its gradient flows into a graph that something else may go back through too. */
        default boolean reenters() {
            return false;
        }
    }

    static Replay open() {
        Replay replay = new Replay(CURRENT.get());
        CURRENT.set(replay);
        return replay;
    }

    static Replay current() {
        Replay replay = CURRENT.get();
        if (replay == null) {
            throw new IllegalStateException(
                    "a checkpointed or chunked block was called under a plain GradientCollector,"
                            + " which would lose its gradients. Take the collector from HeadroomTrainer.of(model, config)"
                            + " or from Checkpointing.newGradientCollector(trainer).");
        }
        return replay;
    }

    static boolean isOpen() {
        return CURRENT.get() != null;
    }

    /** A seed for one part; after the way back the generator goes on from one that no part has used. */
    long drawSeed(NDManager manager) {
        if (nextSeed == null && outer == null) {
            nextSeed = Autograd.drawSeed(manager);
        }
        return Autograd.drawSeed(manager);
    }

    void add(Part part) {
        parts.addLast(part);
    }

    /** Cuts the graph here: the same values as a leaf, whose gradient flows on when its turn comes. */
    NDArray border(NDArray array) {
        if (!Autograd.needsGradient(array)) {
            return array;
        }
        NDArray source = view(array);
        NDArray leaf = Autograd.leaf(array);
        add(keepGraph -> {
            try (NDArray gradient = Autograd.gradient(leaf)) {
                if (gradient != null) {
                    flowOn(source, gradient, keepGraph);
                }
            }
        });
        return keep(leaf);
    }

    /** Gives a leaf that outlives whichever manager its block closes (DJL's BertBlock closes one per layer) to go on with. */
    NDArray keep(NDArray leaf) {
        NDManager home = leaf.getManager();
        NDArray passed = held(leaf.reshape(leaf.getShape()));
        held(leaf);
        passed.attach(home);
        return passed;
    }

    /** The same values and the same graph under a handle that lives until the way back is done. */
    NDArray view(NDArray array) {
        return held(array.reshape(array.getShape()));
    }

    private NDArray held(NDArray array) {
        if (kept == null) {
            kept = NDManager.newBaseManager(
                    array.getDevice(), array.getManager().getEngine().getEngineName());
        }
        array.attach(kept);
        return array;
    }

    /** Runs a body without recording it; its output is a leaf that collects the upstream gradient. */
    NDList run(Block owner, ParameterStore store, NDList inputs, boolean internal, UnaryOperator<NDList> body) {
        Interrupts.check("between two segments of the forward pass");
        try (NDScope scope = new NDScope()) { // a store that casts makes copies that nobody needs yet
            scope.suppressNotUsedWarning();
            for (Parameter parameter : owner.getParameters().values()) {
                store.getValue(parameter, inputs.head().getDevice(), true);
            }
        }
        long seed = drawSeed(inputs.head().getManager());
        Autograd.seed(seed);
        NDList outputs = unrecorded(inputs, body);
        for (NDArray output : outputs) {
            if (output.getDataType().isFloating()) {
                output.setRequiresGradient(true);
            }
        }
        add(new Recomputed(
                owner, inputs, outputs, internal, inputs.stream().anyMatch(Autograd::hasHistory), seed, body));
        return outputs;
    }

    /** Whether the graph that ends in the loss is freed as the way back goes through it. */
    boolean freesAtOnce() {
        return parts.stream().noneMatch(Part::reenters);
    }

    /** Runs a body that is recorded as it is; its graph alone, no handle, keeps what it stores. */
    NDList record(NDList inputs, UnaryOperator<NDList> body) {
        Autograd.seed(drawSeed(inputs.head().getManager()));
        NDList outputs = new NDList();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (NDArray output : body.apply(new NDList(inputs))) {
                boolean passed = inputs.stream().anyMatch(input -> input == output);
                NDArray kept = passed ? output.reshape(output.getShape()) : output;
                NDScope.unregister(kept);
                outputs.add(kept);
            }
        }
        outputs.forEach(NDScope::register);
        return outputs;
    }

    static NDList unrecorded(NDList inputs, UnaryOperator<NDList> body) {
        NDList outputs = new NDList();
        boolean recording = Autograd.recording();
        Autograd.record(false);
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            // A copy of the list: DJL's recurrent blocks add their zero states to the list they are given.
            for (NDArray output : body.apply(new NDList(inputs))) {
                boolean passed = inputs.stream().anyMatch(input -> input == output);
                NDArray kept = passed ? output.stopGradient() : output;
                NDScope.unregister(kept);
                outputs.add(kept);
            }
        } finally {
            Autograd.record(recording);
        }
        outputs.forEach(NDScope::register);
        return outputs;
    }

    /** Back-propagates from the loss through the recorded graph, then through every part, last to first. */
    void backward(GradientCollector collector, NDArray loss) {
        if (!freesAtOnce()) {
            try (NDArray ones = loss.onesLike()) {
                Autograd.backward(loss, ones, true);
            }
        } else {
            collector.backward(loss);
        }
        drain();
    }

    private void drain() {
        while (!parts.isEmpty()) {
            Interrupts.check("between two segments of the backward pass");
            Part part = parts.removeLast();
            part.backward(parts.stream().anyMatch(Part::reenters));
        }
        goOnFromTheNextSeed();
    }

    private void goOnFromTheNextSeed() {
        if (nextSeed != null) {
            Autograd.seed(nextSeed);
            nextSeed = null;
        }
    }

    /** Forgets what was not back-propagated, after a failure too: the generator goes on from an unused seed. */
    @Override
    public void close() {
        parts.clear();
        goOnFromTheNextSeed();
        if (kept != null) {
            kept.close();
            kept = null;
        }
        if (outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(outer);
        }
    }

    private static void flowOn(NDArray array, NDArray gradient, boolean keepGraph) {
        try {
            Autograd.backward(array, gradient, keepGraph);
        } catch (EngineException e) {
            if (e.getMessage() != null && e.getMessage().contains("a second time")) {
                throw new IllegalStateException(
                        "the input of a chunked attention layer is also used around it (a skip connection):"
                                + " make the layer and its skip connection one block, Checkpointing.segment(block).",
                        e);
            }
            throw e;
        }
    }

    private record Recomputed(
            Block owner,
            NDList inputs,
            NDList outputs,
            boolean internal,
            boolean reenters,
            long seed,
            UnaryOperator<NDList> body)
            implements Part {

        @Override
        public void backward(boolean keepGraph) {
            try (NDScope scope = new NDScope();
                    RunningStatistics before = RunningStatistics.of(owner)) {
                scope.suppressNotUsedWarning();
                NDArray[] upstream = outputs.stream()
                        .map(output -> output.getDataType().isFloating() ? Autograd.gradient(output) : null)
                        .toArray(NDArray[]::new);
                if (internal) {
                    outputs.close();
                }
                try {
                    recompute(upstream, keepGraph);
                } finally {
                    before.restore();
                }
            }
        }

        private void recompute(NDArray[] upstream, boolean keepGraph) {
            NDList again = new NDList(inputs.size());
            inputs.forEach(input -> again.add(Autograd.leaf(input)));
            Autograd.seed(seed);
            try (Replay inner = open()) {
                NDList results = body.apply(new NDList(again));
                List<Integer> reached = new ArrayList<>();
                for (int i = 0; i < results.size(); i++) {
                    if (upstream[i] != null && Autograd.needsGradient(results.get(i))) {
                        reached.add(i);
                    }
                }
                boolean keep = inner.parts.stream().anyMatch(Part::reenters);
                for (int i = 0; i < reached.size(); i++) {
                    int output = reached.get(i);
                    Autograd.backward(results.get(output), upstream[output], keep || i < reached.size() - 1);
                }
                inner.drain();
            }
            for (int i = 0; i < again.size(); i++) {
                NDArray leaf = again.get(i);
                NDArray gradient = Autograd.needsGradient(leaf) ? Autograd.gradient(leaf) : null;
                if (gradient != null) {
                    Autograd.backward(inputs.get(i), gradient, keepGraph || reenters && i < again.size() - 1);
                }
            }
        }
    }
}

package io.headroom.training;

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

    private Replay(Replay outer) {
        this.outer = outer;
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
                    "a checkpointed block was called under a plain GradientCollector, which would"
                            + " lose its gradients. Take the collector from HeadroomTrainer.of(model, config)"
                            + " or from Checkpointing.newGradientCollector(trainer).");
        }
        return replay;
    }

    /** Runs a part without recording it; its output is a leaf that collects the upstream gradient. */
    NDList run(Block owner, ParameterStore store, NDList inputs, boolean internal, UnaryOperator<NDList> body) {
        NDManager manager = inputs.head().getManager();
        for (Parameter parameter : owner.getParameters().values()) {
            store.getValue(parameter, inputs.head().getDevice(), true);
        }
        if (nextSeed == null) {
            nextSeed = Autograd.drawSeed(manager);
        }
        long seed = Autograd.drawSeed(manager);
        NDList outputs = new NDList();
        Autograd.seed(seed);
        Autograd.record(false);
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (NDArray output : body.apply(inputs)) {
                NDArray leaf = inputs.contains(output) ? output.stopGradient() : output;
                NDScope.unregister(leaf);
                outputs.add(leaf);
            }
        } finally {
            Autograd.record(true);
        }
        boolean history = inputs.stream().anyMatch(Autograd::hasHistory);
        for (NDArray output : outputs) {
            NDScope.register(output);
            if (output.getDataType().isFloating()) {
                output.setRequiresGradient(true);
            }
        }
        parts.addLast(new Part(owner, inputs, outputs, internal, history, seed, body));
        return outputs;
    }

    /** Back-propagates from the loss through the recorded graph, then through every part, last to first. */
    void backward(GradientCollector collector, NDArray loss) {
        boolean shared = parts.stream().anyMatch(Part::history);
        if (shared) {
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
            parts.removeLast().backward();
        }
        if (nextSeed != null) {
            Autograd.seed(nextSeed);
            nextSeed = null;
        }
    }

    /** Forgets what was not back-propagated. */
    @Override
    public void close() {
        parts.clear();
        if (outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(outer);
        }
    }

    private record Part(
            Block owner,
            NDList inputs,
            NDList outputs,
            boolean internal,
            boolean history,
            long seed,
            UnaryOperator<NDList> body) {

        void backward() {
            try (NDScope scope = new NDScope();
                    RunningStatistics before = RunningStatistics.of(owner)) {
                scope.suppressNotUsedWarning();
                NDArray[] upstream = outputs.stream()
                        .map(output -> output.getDataType().isFloating() ? Autograd.gradient(output) : null)
                        .toArray(NDArray[]::new);
                if (internal) {
                    outputs.close();
                }
                recompute(upstream);
                before.restore();
            }
        }

        private void recompute(NDArray[] upstream) {
            NDList again = new NDList(inputs.size());
            inputs.forEach(input -> again.add(Autograd.leaf(input)));
            Autograd.seed(seed);
            try (Replay inner = open()) {
                NDList results = body.apply(again);
                List<Integer> reached = new ArrayList<>();
                for (int i = 0; i < results.size(); i++) {
                    if (upstream[i] != null && Autograd.needsGradient(results.get(i))) {
                        reached.add(i);
                    }
                }
                boolean keep = inner.parts.stream().anyMatch(Part::history);
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
                    Autograd.backward(inputs.get(i), gradient, history && i < again.size() - 1);
                }
            }
        }
    }
}

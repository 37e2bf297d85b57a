package io.headroom.workload.step;

import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import io.headroom.workload.ZeroGrad;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Plays one step of a workload on a {@link Tape}, as DJL on libtorch's CPU kernels does it. */
public final class StepPlan {
    private static final int TOKEN_BYTES = 8;
    private static final String AHEAD = "batch held ready by the loader";
    private static final long ALONE = 1024;

    private final Workload work;
    private final Tape tape;
    private final Operators ops;
    private final Loader loader;
    private final List<Layer> layers;
    private final String[] names;
    private final boolean repeats;

    private StepPlan(Workload work, StepListener listener) {
        this.work = work;
        tape = new Tape(new Sharing(work).perDevice(listener));
        ops = new Operators(tape, !work.isInference());
        loader = new Loader(work, tape);
        layers = Models.layers(work);
        names = names(layers);
        repeats = listener.wantsRepeats();
    }

    /** The step of one device: its part of the batch and of the heads. */
    public static Workload ofOneDevice(Workload work) {
        long parts = Sharing.parts(work);
        return parts == 1 ? Sharing.share(work) : work.heads(work.heads() / parts);
    }

    /**
     * Tells the listener every allocation and free of a step.
     *
     * @return how many numbers the model holds
     */
    public static long play(Workload work, StepListener listener) {
        StepPlan plan = new StepPlan(Sharing.share(work.validate()), listener);
        plan.play();
        return plan.loader.parameters();
    }

    /** What the KV cache of one device takes; 0 without one. */
    public static long kvCacheBytes(Workload work) {
        Workload shared = Sharing.share(work);
        return hasCache(shared)
                ? Tape.size(cacheShape(shared), shared.precision().activationBytes())
                : 0;
    }

    private static boolean hasCache(Workload work) {
        return work.isInference() && work.architecture().has(Option.NEW_TOKENS) && work.number(Option.NEW_TOKENS) > 0;
    }

    /** Activations and pools count to the layer that they come after. */
    private static String[] names(List<Layer> layers) {
        String[] names = new String[layers.size()];
        String last = "model";
        for (int i = 0; i < names.length; i++) {
            String own = layers.get(i).name();
            last = own.isEmpty() ? last : own;
            names[i] = last;
        }
        return names;
    }

    private void play() {
        long[] shape = work.inputShape().getShape();
        long[] out = shape;
        int frozen = Models.frozen(work, names);
        for (int i = 0; i < names.length; i++) {
            tape.layer(names[i]);
            loader.freeze(i < frozen);
            out = layers.get(i).load(loader, out);
            loader.layerLoaded();
        }
        tape.layer("between devices");
        loader.share();
        tape.layer("batch");
        loadAhead(Tape.size(shape, inputBytes()));
        if (hasCache(work)) {
            tape.layer("KV cache");
            tape.input("KV cache", cacheShape(work), work.precision().activationBytes());
        }
        tape.record(!work.isInference());
        long steps = work.isInference() ? 1 : work.accumulation();
        for (long micro = 1; micro <= Math.min(steps, 2); micro++) {
            tape.open();
            tape.enter(Phase.FORWARD);
            if (micro == 1) {
                dropGradients(ZeroGrad.BEFORE_FORWARD);
            }
            tape.layer("batch");
            Value input = tape.input("input", shape, inputBytes());
            if (work.isInference()) {
                forward(input, 0, layers.size());
            } else {
                train(input, micro == 1);
                if (micro == Math.min(steps, 2)) {
                    update();
                }
            }
            tape.close();
        }
    }

    /** The batches that wait: page-locked ones are the host's, in blocks of a power of two (PyTorch's CachingHostAllocator). */
    private void loadAhead(long batchBytes) {
        long batches = work.batchesAhead();
        boolean pinned = work.flag(Option.PINNED);
        if (batches == 0 || pinned && !work.device().equals("cpu")) {
            return;
        }
        long each = pinned ? Bytes.times(Long.highestOneBit(Math.max(1, batchBytes - 1)), 2) : batchBytes;
        for (long i = 0; i < Math.min(batches, ALONE); i++) {
            tape.input(AHEAD, new long[] {each}, 1);
        }
        if (batches > ALONE) {
            tape.input(AHEAD, new long[] {Bytes.times(batches - ALONE, each)}, 1);
        }
    }

    private void train(Value input, boolean first) {
        List<Border> borders = new ArrayList<>();
        Value output = work.checkpointing() > 0 ? forwardInSegments(input, borders) : forward(input, 0, layers.size());
        Value loss = loss(output);
        if (work.checkpointing() != 1) { // a single segment records one result
            for (Value other : layers.get(layers.size() - 1).others()) {
                loss = ops.add(loss, loss(other));
            }
        }
        if (first) {
            dropGradients(ZeroGrad.BEFORE_BACKWARD);
        }
        tape.enter(Phase.BACKWARD);
        tape.backward(loss);
        for (int i = borders.size() - 1; i >= 0; i--) {
            borders.get(i).backward(i < borders.size() - 1);
        }
    }

    private Value forward(Value x, int from, int to) {
        Value current = x;
        for (int i = from; i < to; i++) {
            tape.layer(names[i]);
            current = layers.get(i).forward(ops, current);
        }
        return current;
    }

    private Value forwardInSegments(Value input, List<Border> borders) {
        Value current = input;
        int segments = (int) work.checkpointing();
        for (int i = 0; i < segments; i++) {
            int from = (int) ((long) i * layers.size() / segments);
            int to = (int) ((i + 1L) * layers.size() / segments);
            boolean once = i > 0 && i == segments - 1 && !slicesAttention();
            tape.record(once);
            tape.open();
            Value output = forward(current, from, to);
            tape.closeKeeping(output);
            tape.record(true);
            if (once) {
                return output;
            }
            Value leaf = tape.detached(output, true);
            borders.add(new Border(current, leaf, from, to));
            current = leaf;
        }
        return current;
    }

    /** Then the last segment is recomputed as the others are: its slices are parts of the way back themselves. */
    private boolean slicesAttention() {
        return work.architecture().has(Option.ATTENTION) && work.attention() == Attention.CHUNKED;
    }

    private Value loss(Value output) {
        tape.section("loss");
        tape.layer("loss");
        Value loss;
        if (tokens()) {
            long[] shape = output.shapeWithLast(1);
            Value target = tape.input("target", shape, TOKEN_BYTES);
            loss = ops.mean(ops.pick(ops.logSoftmax(output), target));
        } else {
            Value target = tape.input("target", output.shape(), output.valueBytes());
            loss = ops.mean(ops.square(ops.subtract(output, target)));
        }
        tape.section("");
        return loss;
    }

    private boolean tokens() {
        return work.architecture().has(Option.VOCAB) && work.vocab() > 0;
    }

    private int inputBytes() {
        return tokens() || work.takesTokens() ? TOKEN_BYTES : work.precision().activationBytes();
    }

    /** Keys and values of every layer for the prompt and what is generated. */
    private static long[] cacheShape(Workload work) {
        long heads = Math.max(1, work.kvHeads() / Sharing.parts(work));
        long positions = Math.addExact(work.seq(), work.number(Option.NEW_TOKENS));
        return new long[] {2, work.layers(), work.sequences(), heads, work.dModel() / work.heads(), positions};
    }

    private void update() {
        tape.enter(Phase.UPDATE);
        tape.layer("optimizer step");
        if (work.flag(Option.FOREACH) && work.optimizer() != OptimizerKind.ADAFACTOR) {
            foreach();
        } else {
            weightByWeight();
        }
        dropGradients(ZeroGrad.AFTER_STEP);
    }

    /** Lists as large as the weights that {@code torch.optim}'s {@code _multi_tensor_…} functions make; the others work in place. */
    private void foreach() {
        switch (work.optimizer()) {
            case ADAM, ADAMW, RMSPROP -> tape.scratch("foreach update", loader.trainedBytes());
            case ADAGRAD -> tape.scratch("foreach update", loader.trainedBytes(), loader.trainedBytes());
            default -> {}
        }
    }

    private void weightByWeight() {
        Set<Long> sizes = new HashSet<>();
        for (Value weight : loader.trained()) {
            long b = weight.bytes();
            if (!sizes.add(b) && !repeats) {
                continue;
            }
            switch (work.optimizer()) {
                case SGD, MOMENTUM -> tape.scratch("update", b);
                case ADAMW, ADAM -> tape.scratch("update", b, b, b, b, b);
                case ADAGRAD, RMSPROP, ADAFACTOR -> tape.scratch("update", b);
                case ADAM8BIT -> {}
            }
        }
    }

    private void dropGradients(ZeroGrad place) {
        if (work.zeroGrad() == place) {
            loader.trained().forEach(tape::dropGradient);
        }
    }

    /**
     * Behind a checkpointed segment: where the gradient waits. The graph that ends in the loss holds the last, with its
     * gradient, until the step is over; the others are freed on the way back.
     */
    private final class Border {
        private final Value input;
        private final Value output;
        private final int from;
        private final int to;

        Border(Value input, Value output, int from, int to) {
            this.input = input;
            this.output = output;
            this.from = from;
            this.to = to;
        }

        void backward(boolean internal) {
            if (output.gradient == null) {
                return; // of tokens, through which no gradient flows
            }
            if (!internal) {
                tape.keepGradient(output);
            }
            tape.open();
            if (internal) {
                tape.release(output);
            }
            Value again = tape.detached(input, input.requiresGradient());
            Value result = forward(again, from, to);
            tape.backward(result, output);
            tape.handOver(again, input);
            tape.close();
        }
    }
}

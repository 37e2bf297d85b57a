package io.headroom.workload.step;

import static io.headroom.workload.step.Tape.size;

import io.headroom.workload.Architecture;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;

/** Plays one step of a workload on a {@link Tape}, as DJL on libtorch's CPU kernels does it. */
public final class StepPlan {
    private final Workload work;
    private final Tape tape;
    private final Operators ops;
    private final List<Value> weights = new ArrayList<>();
    private final long v;
    private long weightCount;

    private StepPlan(Workload work, StepListener listener) {
        this.work = work;
        this.tape = new Tape(listener);
        this.ops = new Operators(tape, !work.isInference());
        this.v = work.precision().activationBytes();
    }

    /** Tells the listener every allocation and free of a step. */
    public static void play(Workload work, StepListener listener) {
        if (work.architecture() != Architecture.TRANSFORMER) {
            throw new UnsupportedOperationException("no step plan yet for " + work);
        }
        new StepPlan(work.validate(), listener).play();
    }

    private void play() {
        Encoder model = new Encoder();
        tape.record(!work.isInference());
        for (long micro = 1; micro <= (work.isInference() ? 1 : work.accumulation()); micro++) {
            tape.open();
            tape.enter(Phase.FORWARD);
            tape.section("");
            Value input = tape.input("input", size(work.sequences(), work.seq(), work.features(), v));
            Value output = model.forward(input);
            if (!work.isInference()) {
                Value target = tape.input("target", output.bytes());
                Value loss = ops.mean(ops.square(ops.subtract(output, target)), v);
                tape.enter(Phase.BACKWARD);
                tape.backward(loss);
                if (micro == work.accumulation()) {
                    update();
                }
            }
            tape.close();
        }
    }

    private void update() {
        tape.enter(Phase.UPDATE);
        for (Value weight : weights) {
            long b = weight.bytes();
            switch (work.optimizer()) {
                case SGD, MOMENTUM -> tape.scratch("optimizer update", b);
                default -> tape.scratch("optimizer update", b, b, b, b, b);
            }
        }
    }

    private Value weight(String name, long rows, long columns) {
        Value weight = tape.weight(name, size(rows, columns, work.precision().weightBytes()));
        weightCount += rows * columns;
        if (!work.isInference()) {
            tape.addState(
                    weight,
                    name,
                    work.optimizer().stateBytes(rows, columns, work.precision().weightBytes()),
                    true);
            weights.add(weight);
        }
        return weight;
    }

    private final class Linear {
        private final Value matrix;
        private final Value bias;
        private final long out;
        private final long in;

        Linear(String name, long in, long out) {
            this.in = in;
            this.out = out;
            matrix = weight(name, out, in);
            bias = weight(name + " bias", 1, out);
        }

        Value on(Value x) {
            return ops.linear(x, matrix, bias, size(x.bytes() / (in * v), out, v));
        }
    }

    private final class Encoder {
        private final Linear input = work.projectsInput() ? new Linear("input", work.features(), work.dModel()) : null;
        private final List<Layer> layers = new ArrayList<>();
        private final Linear head;

        Encoder() {
            for (long i = 1; i <= work.layers(); i++) {
                layers.add(new Layer(i));
            }
            head = new Linear("head", work.dModel(), work.outputs());
        }

        Value forward(Value x) {
            Value hidden = input == null ? x : input.on(x);
            for (Layer layer : layers) {
                hidden = layer.forward(hidden);
            }
            tape.section("head");
            Value output = head.on(hidden);
            tape.section("");
            return output;
        }
    }

    private final class Layer {
        private final String name;
        private final long d = work.dModel();
        private final Linear keys = new Linear("keys", d, d);
        private final Linear queries = new Linear("queries", d, d);
        private final Linear values = new Linear("values", d, d);
        private final Linear result = new Linear("attention result", d, d);
        private final Value gamma1 = weight("gamma", 1, d);
        private final Value beta1 = weight("beta", 1, d);
        private final Linear wide = new Linear("feed-forward 1", d, work.ff());
        private final Linear narrow = new Linear("feed-forward 2", work.ff(), d);
        private final Value gamma2 = weight("gamma", 1, d);
        private final Value beta2 = weight("beta", 1, d);

        Layer(long number) {
            name = "layer " + number;
            tape.frozen("running mean and variance", size(4, d, work.precision().weightBytes()));
        }

        Value forward(Value x) {
            tape.section(name + " · attention");
            long scores = size(work.sequences(), work.heads(), work.seq(), work.seq(), v);
            Value k = ops.transpose(keys.on(x));
            Value q = ops.transpose(queries.on(x));
            Value u = ops.transpose(values.on(x));
            Value s = ops.scale(ops.matMul(q, k, scores));
            Value p = ops.dropout(ops.softmax(s), work.dropout());
            Value mixed = ops.reshape(ops.transpose(ops.matMul(p, u, u.bytes())));
            Value attended = ops.dropout(result.on(mixed), work.dropout());
            Value normal = ops.batchNormLastAxis(ops.add(attended, x), gamma1, beta1);
            tape.section(name + " · feed-forward");
            Value fed = ops.dropout(narrow.on(ops.relu(wide.on(normal))), work.dropout());
            return ops.batchNormLastAxis(ops.add(fed, x), gamma2, beta2);
        }
    }
}

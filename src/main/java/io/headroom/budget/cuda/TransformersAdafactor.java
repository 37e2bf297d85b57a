package io.headroom.budget.cuda;

import java.util.IdentityHashMap;
import java.util.Map;

/**
 * The update of transformers' own Adafactor, which its {@code Trainer} takes: tensor by tensor, in fp32, with two tensors as large as
 * the weight beside it.
 *
 * <p>Source: {@code Adafactor.step} in {@code transformers/optimization.py} 4.51.3 with its defaults: states are made when a tensor is
 * first met; its variables keep the update and the learning rate of one tensor until those of the next are made.
 */
final class TransformersAdafactor {
    private static final int FLOAT = 4;

    private final Tape tape;
    private final Map<Value, Memory> scales = new IdentityHashMap<>();
    private Memory rate;
    private Memory update;
    private Memory wideWeight;

    TransformersAdafactor(Tape tape) {
        this.tape = tape;
    }

    void apply(Value weight) {
        boolean half = weight.element < FLOAT;
        long bytes = weight.count() * FLOAT;
        Memory gradient = half ? tape.alloc(bytes, "to") : weight.leaf.gradient.memory();
        if (!scales.containsKey(weight)) {
            states(weight);
        }
        if (half) {
            Memory copy = tape.alloc(bytes, "to");
            tape.use(wideWeight);
            wideWeight = copy;
        }
        scale(weight);
        Memory square = tape.alloc(bytes, "pow");
        Memory sum = tape.alloc(bytes, "add");
        tape.use(square);
        tape.use(update);
        update = weight.shape.length > 1 ? factored(weight, bytes) : tape.alloc(bytes, "rsqrt");
        tape.use(sum);
        Memory norm = tape.alloc(FLOAT, "norm");
        Memory mean = tape.alloc(FLOAT, "div");
        tape.use(norm);
        tape.alloc(FLOAT, "div");
        tape.use(mean);
        tape.alloc(bytes, "neg");
        tape.use(update);
        tape.use(rate);
        tape.use(wideWeight);
        tape.use(gradient);
    }

    private void states(Value weight) {
        if (weight.shape.length > 1) {
            tape.permanent(rows(weight), "optimizer state");
            tape.permanent(columns(weight), "optimizer state");
        } else {
            tape.permanent(weight.count() * FLOAT, "optimizer state");
        }
    }

    /** The root mean square of the weight, kept as a state, and the learning rate scaled by it. */
    private void scale(Value weight) {
        Memory norm = tape.alloc(FLOAT, "norm");
        Memory scale = tape.alloc(FLOAT, "div");
        tape.use(norm);
        tape.use(scales.put(weight, scale));
        tape.alloc(1, "gt");
        Memory scaled = tape.alloc(FLOAT, "mul");
        tape.use(scale);
        tape.use(rate);
        rate = scaled;
    }

    private Memory factored(Value weight, long bytes) {
        tape.alloc(rows(weight), "mean");
        tape.alloc(columns(weight), "mean");
        Memory mean = tape.alloc(weight.count() / weight.width() / weight.dim(-2) * FLOAT, "mean");
        Memory row = tape.alloc(rows(weight), "div");
        tape.use(mean);
        Memory column = tape.alloc(columns(weight), "rsqrt");
        Memory next = tape.alloc(bytes, "mul");
        tape.use(row);
        tape.use(column);
        return next;
    }

    private static long rows(Value weight) {
        return weight.rows() * FLOAT;
    }

    private static long columns(Value weight) {
        return weight.count() / weight.dim(-2) * FLOAT;
    }

    /** The variables of the step go with it; the scales stay. */
    void finish() {
        tape.use(update);
        tape.use(rate);
        tape.use(wideWeight);
        update = rate = wideWeight = null;
        scales.values().forEach(tape::use);
    }
}

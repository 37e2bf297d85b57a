package io.headroom.budget.cuda;

import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import java.util.ArrayList;
import java.util.List;

/**
 * The optimizer step: states made at the first, temporaries of the {@code foreach} implementations at every one.
 *
 * <p>Source: {@code torch/optim/{sgd,adam,adamw,rmsprop,adagrad,_adafactor}.py} 2.6 with their defaults on CUDA: {@code
 * foreach} for all but Adafactor, which works tensor by tensor and keeps the update of the one before until its own is
 * made. Language models take transformers' own Adafactor ({@link TransformersAdafactor}). 8-bit Adam is that of bitsandbytes
 * ({@code Optimizer2State.init_state} in {@code bitsandbytes/optim/optimizer.py} 0.45, block-wise, 256 values a block): tensor by
 * tensor, updated in place by one kernel, states that do not depend on the type of the weights.
 */
final class Update {
    private static final int SCALAR = 4;

    /** {@code min_8bit_size}: smaller tensors keep their states in fp32. */
    private static final long SMALLEST_QUANTIZED = 4096;

    private static final long QUANTIZED_BLOCK = 256;

    /** {@code create_dynamic_map}: the 256 values that a byte stands for. */
    private static final long MAP_BYTES = 256 * 4;

    private final Tape tape;
    private final OptimizerKind kind;
    private final List<Value> parameters;
    private final TransformersAdafactor adafactor;
    private boolean started;
    private boolean mapped;
    private Memory row;
    private Memory column;
    private Memory squared;
    private Memory update;

    Update(Tape tape, OptimizerKind kind, List<Value> parameters, boolean language) {
        this.tape = tape;
        this.kind = kind;
        this.parameters = parameters;
        adafactor = language && kind == OptimizerKind.ADAFACTOR ? new TransformersAdafactor(tape) : null;
        if (kind == OptimizerKind.ADAGRAD) {
            states(parameters, 1);
        }
    }

    private void states(List<Value> values, int each) {
        for (Value value : values) {
            for (int i = 0; i < each; i++) {
                tape.permanent(value.bytes(), "optimizer state");
            }
        }
    }

    void step() {
        List<Value> trained = new ArrayList<>();
        for (Value parameter : parameters) {
            if (parameter.leaf.gradient != null) {
                trained.add(parameter);
                tape.use(parameter.leaf.gradient.memory());
            }
        }
        if (!started) {
            started = true;
            first(trained);
        }
        switch (kind) {
            case ADAM, ADAMW, RMSPROP -> foreach(trained, 1);
            case ADAGRAD -> foreach(trained, 2);
            case ADAFACTOR -> trained.forEach(adafactor == null ? this::factored : adafactor::apply);
            default -> {}
        }
        for (Value parameter : trained) {
            tape.use(parameter.leaf.gradient.memory());
        }
        for (Memory local : new Memory[] {row, column, squared, update}) {
            tape.use(local);
        }
        row = column = squared = update = null;
        if (adafactor != null) {
            adafactor.finish();
        }
    }

    private void first(List<Value> trained) {
        switch (kind) {
            case ADAM, ADAMW -> states(trained, 2);
            case RMSPROP, MOMENTUM -> states(trained, 1);
            case ADAM8BIT -> trained.forEach(this::quantizedStates);
            case ADAFACTOR -> {
                if (adafactor == null) {
                    trained.forEach(this::factoredState);
                }
            }
            default -> {}
        }
    }

    private void quantizedStates(Value value) {
        boolean quantized = value.count() >= SMALLEST_QUANTIZED;
        if (quantized && !mapped) {
            mapped = true;
            twice(MAP_BYTES);
        }
        twice(quantized ? value.count() : Bytes.times(value.count(), SCALAR));
        if (quantized) {
            twice(((value.count() - 1) / QUANTIZED_BLOCK + 1) * SCALAR);
        }
    }

    private void twice(long bytes) {
        tape.permanent(bytes, "optimizer state");
        tape.permanent(bytes, "optimizer state");
    }

    private void factoredState(Value value) {
        if (value.shape.length > 1) {
            tape.permanent(value.rows() * value.element, "optimizer state");
            tape.permanent(value.count() / value.dim(-2) * value.element, "optimizer state");
        } else {
            tape.permanent(value.bytes(), "optimizer state");
        }
    }

    private void foreach(List<Value> trained, int lists) {
        List<Memory> temporaries = new ArrayList<>();
        for (int list = 0; list < lists; list++) {
            for (Value value : trained) {
                temporaries.add(tape.alloc(value.bytes(), "foreach"));
            }
        }
        temporaries.forEach(tape::use);
    }

    private void factored(Value value) {
        tape.alloc(SCALAR, "norm");
        if (value.shape.length > 1) {
            Memory rows = tape.alloc(value.rows() * value.element, "norm");
            tape.use(row);
            row = rows;
            Memory columns = tape.alloc(value.count() / value.dim(-2) * value.element, "norm");
            tape.use(column);
            column = columns;
            Memory estimate = tape.alloc(value.bytes(), "mm");
            tape.alloc(value.count() / value.width() / value.dim(-2) * value.element, "mean");
            tape.use(rows);
            tape.use(columns);
            renew(estimate);
        } else {
            Memory square = tape.alloc(value.bytes(), "mul");
            tape.use(squared);
            squared = square;
            Memory estimate = tape.alloc(value.bytes(), "clone");
            renew(estimate);
        }
        tape.alloc(SCALAR, "norm");
        tape.use(update);
    }

    private void renew(Memory estimate) {
        tape.use(update);
        tape.use(estimate);
        update = estimate;
    }
}

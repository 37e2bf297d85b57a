package io.headroom.budget.cuda;

import io.headroom.workload.OptimizerKind;
import java.util.ArrayList;
import java.util.List;

/**
 * The optimizer step: states made at the first, temporaries of the {@code foreach} implementations at every one.
 *
 * <p>Source: {@code torch/optim/{sgd,adam,adamw,rmsprop,adagrad,_adafactor}.py} 2.6 with their defaults on CUDA: {@code
 * foreach} for all but Adafactor, which works tensor by tensor and keeps the update of the one before until its own is
 * made. Language models take transformers' own Adafactor ({@link TransformersAdafactor}).
 */
final class Update {
    private static final int SCALAR = 4;

    private final Tape tape;
    private final OptimizerKind kind;
    private final List<Value> parameters;
    private final TransformersAdafactor adafactor;
    private boolean started;
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
            case ADAM8BIT ->
                trained.forEach(value ->
                        tape.permanent(kind.stateBytes(value.rows(), value.width(), value.element), "optimizer state"));
            case ADAFACTOR -> {
                if (adafactor == null) {
                    trained.forEach(this::factoredState);
                }
            }
            default -> {}
        }
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

package io.headroom.budget.cuda;

import io.headroom.trace.Trace;
import io.headroom.workload.ZeroGrad;
import java.util.List;

/**
 * The loop: weights to the device, then as many steps as asked, each with its inputs, forward and, in training, backward and update.
 */
final class CudaRun {
    private static final double HALF = 0.5;

    private CudaRun() {}

    static Trace trace(CudaStep step) {
        try {
            return trace(step, ImageOps.counted(step) >= HALF);
        } catch (ArithmeticException e) {
            throw Limits.tooLarge(step, e);
        }
    }

    /** With or without the workspace that is taken at some sizes only. */
    static Trace trace(CudaStep step, boolean workspaces) {
        return trace(step, workspaces, new long[0]);
    }

    /** With steps of those lengths in turn, as batches padded to their longest line are; all of {@code seq} where there are none. */
    static Trace trace(CudaStep step, boolean workspaces, long[] lengths) {
        Tape tape = new Tape(step);
        tape.phase("load");
        Weights weights = new Weights(tape, step);
        Network network = Networks.of(tape, step, weights, workspaces);
        Update update = step.inference()
                ? null
                : new Update(
                        tape, step.optimizer(), weights.trained(), step.model().language() != null);
        List<Value> inputs = List.of();
        Network.Outputs before = null;
        List<Value> after = List.of();
        for (int i = 1; i <= step.steps(); i++) {
            if (lengths.length > 0) {
                CudaStep shorter =
                        step.toBuilder().seq(lengths[(i - 1) % lengths.length]).build();
                network = Networks.of(tape, shorter, weights, workspaces);
            }
            if (step.zeroGrad() == ZeroGrad.BEFORE_FORWARD) {
                drop(tape, weights);
            }
            tape.phase("input of step " + i);
            inputs.forEach(tape::use);
            inputs = network.inputs();
            if (step.newTokens() > 0) {
                Generation.run(tape, step, (LanguageNetwork) network, inputs, i);
                continue;
            }
            tape.phase("forward of step " + i);
            Network.Outputs held = before;
            tape.autocast().enter();
            Network.Outputs outputs = network.forward(inputs, () -> {
                if (step.keepOutputs() && held != null) {
                    held.kept().forEach(tape::use);
                }
            });
            tape.autocast().leave(tape);
            if (held != null) {
                held.replaced(tape);
            }
            if (!step.inference()) {
                train(tape, step, weights, update, outputs, i);
            }
            List<Value> last = after;
            after = network.after();
            last.forEach(tape::use);
            before = outputs;
        }
        after.forEach(tape::use);
        finish(tape, weights, inputs, before, step);
        return tape.trace();
    }

    private static void train(
            Tape tape, CudaStep step, Weights weights, Update update, Network.Outputs outputs, int number) {
        if (step.zeroGrad() == ZeroGrad.BEFORE_BACKWARD) {
            drop(tape, weights);
        }
        tape.phase("backward of step " + number);
        tape.backward(outputs.loss());
        tape.phase("optimizer of step " + number);
        update.step();
        if (step.zeroGrad() == ZeroGrad.AFTER_STEP) {
            drop(tape, weights);
        }
    }

    private static void finish(Tape tape, Weights weights, List<Value> inputs, Network.Outputs before, CudaStep step) {
        inputs.forEach(tape::use);
        if (before != null && step.keepOutputs()) {
            before.kept().forEach(tape::use);
            before.replaced(tape);
        }
        drop(tape, weights);
    }

    private static void drop(Tape tape, Weights weights) {
        for (Value parameter : weights.trained()) {
            if (parameter.leaf.gradient != null) {
                tape.use(parameter.leaf.gradient.memory());
                parameter.leaf.gradient = null;
            }
        }
    }
}

package io.headroom.training;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.function.Consumer;

/** One workload's training loop: data, forward, loss, backward, update. */
final class Loop {
    private final Workload workload;
    private final Variant variant;
    private final NDManager manager;
    private final Updater updater;

    Loop(Workload workload, Variant variant, NDManager manager, Updater updater) {
        this.workload = workload;
        this.variant = variant;
        this.manager = manager;
        this.updater = updater;
    }

    /** A step of one sequence, so that gradients and optimizer state exist; of two for a block whose batch norm takes no single row. */
    void prime() {
        if (workload.isInference()) {
            return;
        }
        try (NDManager scope = manager.newSubManager()) {
            long sequences = workload.isOwnBlock() ? Math.min(2, workload.sequences()) : 1;
            forwardBackward(scope, sequences, 0, 1, "", stage -> {});
            // fp16 gradients may overflow, and a rate of zero times infinity would make weights NaN.
            variant.zeroGradients();
            updater.prime();
        }
    }

    double step(Consumer<String> progress) {
        if (workload.isInference()) {
            return infer(progress);
        }
        long micro = workload.accumulation();
        double loss = 0;
        for (long i = 1; i <= micro; i++) {
            String of = micro == 1 ? "" : " " + i + "/" + micro;
            try (NDManager scope = manager.newSubManager()) {
                loss += forwardBackward(scope, workload.sequences(), i, variant.lossScale() / micro, of, progress)
                        / micro;
                if (i == micro) {
                    progress.accept("update");
                    updater.update(variant.lossScale());
                    if (manager.getDevice().isGpu()) {
                        updater.await();
                    }
                }
            }
        }
        return loss;
    }

    private double infer(Consumer<String> progress) {
        progress.accept("forward");
        try (NDManager scope = manager.newSubManager()) {
            variant.forward(inputs(scope, workload.sequences()), false);
            return Double.NaN;
        }
    }

    /** Input and target are drawn from seeds of their own, so that they are the same whatever forward draws. */
    private double forwardBackward(
            NDManager scope, long sequences, long turn, float scale, String of, Consumer<String> progress) {
        Engine engine = Engine.getInstance();
        engine.setRandomSeed((int) (2 * turn));
        NDList inputs = inputs(scope, sequences);
        try (GradientCollector collector = Checkpointing.replaying(engine.newGradientCollector())) {
            progress.accept("forward" + of);
            NDList outputs = variant.forward(inputs, true);
            engine.setRandomSeed((int) (2 * turn + 1));
            NDArray loss = loss(scope, outputs.head());
            for (int i = 1; i < workload.results(); i++) {
                loss = loss.add(loss(scope, outputs.get(i)));
            }
            NDArray scaled = scale == 1 ? loss : loss.mul(scale);
            progress.accept("backward" + of);
            collector.backward(scaled);
            return loss.toType(DataType.FLOAT32, false).getFloat();
        }
    }

    private NDArray loss(NDManager scope, NDArray output) {
        NDArray target = drawn(scope, output.getShape());
        return output.sub(target).square().mean();
    }

    /** Tokens are zeros, which every table has; the third input of BERT is a mask that leaves out nothing. */
    private NDList inputs(NDManager scope, long sequences) {
        NDList inputs = new NDList();
        for (Shape shape : workload.inputShapes(sequences)) {
            inputs.add(
                    !workload.takesTokens()
                            ? drawn(scope, shape)
                            : inputs.size() == 2
                                    ? scope.ones(shape, DataType.INT64)
                                    : scope.zeros(shape, DataType.INT64));
        }
        return inputs;
    }

    private NDArray drawn(NDManager scope, Shape shape) {
        NDArray whole = scope.randomNormal(shape);
        if (workload.precision() != Precision.FP16) {
            return whole;
        }
        try (whole) {
            return whole.toType(DataType.FLOAT16, true);
        }
    }
}

package io.headroom.training;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
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
            forwardBackward(scope, workload.inputShape(sequences), 0, 1, "", stage -> {});
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
                loss += forwardBackward(scope, workload.inputShape(), i, variant.lossScale() / micro, of, progress)
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
            NDArray input = input(scope, workload.inputShape());
            variant.forward(new NDList(input), false);
            return Double.NaN;
        }
    }

    /** Input and target are drawn from seeds of their own, so that they are the same whatever forward draws. */
    private double forwardBackward(
            NDManager scope, Shape shape, long turn, float scale, String of, Consumer<String> progress) {
        Engine engine = Engine.getInstance();
        engine.setRandomSeed((int) (2 * turn));
        NDArray input = input(scope, shape);
        try (GradientCollector collector = Checkpointing.replaying(engine.newGradientCollector())) {
            progress.accept("forward" + of);
            NDArray output = variant.forward(new NDList(input), true).head();
            engine.setRandomSeed((int) (2 * turn + 1));
            NDArray target = scope.randomNormal(output.getShape());
            NDArray loss = output.sub(target).square().mean();
            NDArray scaled = scale == 1 ? loss : loss.mul(scale);
            progress.accept("backward" + of);
            collector.backward(scaled);
            return loss.toType(DataType.FLOAT32, false).getFloat();
        }
    }

    /** Tokens are zeros, which every table has. */
    private NDArray input(NDManager scope, Shape shape) {
        return workload.takesTokens() ? scope.zeros(shape, DataType.INT64) : scope.randomNormal(shape);
    }
}

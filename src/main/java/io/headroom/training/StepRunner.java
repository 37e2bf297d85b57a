package io.headroom.training;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import io.headroom.memory.NativeTrim;
import io.headroom.workload.Attention;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Runs a workload's step for real, on random data, and measures its peak.
 *
 * <p>The model is built, one step of a single sequence gives it the gradients and optimizer state that any step but the
 * first meets, then the full step runs: forward, backward, update. As in DJL's own training loop the intermediate
 * arrays of a step live until the update is over. Everything is closed by scope, on failure too, and freed memory is
 * handed back to the system, so that a smaller step can follow in the same process.
 *
 * <pre>{@code
 * Measurement measured = StepRunner.run(step);
 * Bytes.format(measured.peakBytes());
 * }</pre>
 *
 * <p>One run at a time: a peak belongs to the whole process.
 */
public final class StepRunner {
    private StepRunner() {}

    /**
     * Runs the step.
     *
     * @throws ai.djl.engine.EngineException if the engine refuses an allocation; the process is then as before
     * @throws IllegalArgumentException if the workload does not hold together, or cannot run in DJL
     */
    public static Measurement run(Workload workload) {
        return run(workload, stage -> {});
    }

    /**
     * Runs the step and tells each stage as it begins: {@code "build"}, {@code "forward 1/4"}, {@code "backward 1/4"},
     * {@code "update"}.
     */
    public static synchronized Measurement run(Workload workload, Consumer<String> progress) {
        checkRunnable(workload.validate());
        Engine.getInstance();
        NativeTrim.now();
        Peak peak = Peak.start();
        long begin;
        long end;
        double loss;
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            progress.accept("build");
            Block block = workload.newBlock();
            block.initialize(manager, DataType.FLOAT32, workload.inputShape(1));
            Variant variant = new Variant(workload, block, manager);
            try (Updater updater = new Updater(workload.optimizer(), block, manager)) {
                Loop loop = new Loop(workload, variant, manager, updater);
                loop.prime();
                begin = System.nanoTime();
                loss = loop.step(progress);
                end = System.nanoTime();
            }
            return new Measurement(
                    workload, peak.idle(), peak.stop(), Duration.ofNanos(end - begin), loss, peak.isExact());
        } finally {
            peak.stop();
            NativeTrim.now();
        }
    }

    private static void checkRunnable(Workload workload) {
        if (workload.precision() == Precision.BF16) {
            throw new IllegalArgumentException(
                    "precision = bf16: DJL 0.35.1 ends the whole process on bfloat16 arrays, so"
                            + " it is estimated but not run here. Use fp32 or autocast.");
        }
        if (workload.precision() == Precision.FP16) {
            throw new IllegalArgumentException(
                    "precision = fp16: weights in fp16 are estimated but not run, since DJL's"
                            + " optimizers need fp32 weights. Use autocast: fp16 compute over fp32 weights.");
        }
        if (workload.architecture().has(Option.ATTENTION) && workload.attention() == Attention.SDPA) {
            throw new IllegalArgumentException(
                    "attention = sdpa: DJL has no fused attention, so it is estimated but not run."
                            + " Use chunked, which needs as little.");
        }
        if (!workload.optimizer().runsInDjl() && !workload.isInference()) {
            throw new IllegalArgumentException(
                    "optimizer = " + workload.optimizer().name().toLowerCase(java.util.Locale.ROOT)
                            + ": DJL's PyTorch engine has no update for it, so it is estimated but not run. Use sgd, momentum,"
                            + " adam or adamw.");
        }
    }
}

package io.headroom.training;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import io.headroom.memory.NativeTrim;
import io.headroom.memory.Peak;
import io.headroom.memory.Watch;
import io.headroom.workload.Workload;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Runs a workload's step for real, on random data, and measures its peak.
 *
 * <p>Weights and data are drawn from one seed of the engine, so that a step repeats: the engine's own seed is set. The model
 * is built, one step of a single sequence gives it the gradients and optimizer state that any step but the
 * first meets, then the full step runs: forward, backward, update. As in DJL's own training loop the intermediate
 * arrays of a step live until the update is over. Everything is closed by scope, on failure too, and freed memory is
 * handed back to the system, so that a smaller step can follow in the same process. The peak is the kernel's own mark on
 * Linux and sampled elsewhere, as {@link Measurement#exact()} says.
 *
 * <pre>{@code
 * Measurement measured = StepRunner.run(step);
 * Bytes.format(measured.peakBytes());
 * }</pre>
 *
 * <p>One run at a time: a peak belongs to the whole process.
 */
public final class StepRunner {
    private static final int SEED = 7;

    private StepRunner() {}

    /**
     * Runs the step.
     *
     * @throws ai.djl.engine.EngineException if the engine refuses an allocation; the process is then as before
     * @throws IllegalArgumentException if the workload does not hold together, or asks for what the step in DJL would
     *     leave out
     * @throws IllegalStateException if the system does not tell the memory of a process
     */
    public static Measurement run(Workload workload) {
        return run(workload, stage -> {});
    }

    /**
     * Runs the step and tells each stage as it begins: {@code "build"}, {@code "forward 1/4"}, {@code "backward 1/4"},
     * {@code "update"}.
     */
    public static synchronized Measurement run(Workload workload, Consumer<String> progress) {
        RunCheck.check(workload.validate());
        Engine engine = Engine.getInstance();
        NativeTrim.now();
        Watch watch = Watch.start("step");
        if (watch.before().rss().isEmpty()) {
            watch.close();
            throw new IllegalStateException(
                    "this system does not tell how much memory the process holds, so a step cannot be measured here.");
        }
        long begin;
        long end;
        double loss;
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            progress.accept("build");
            engine.setRandomSeed(SEED);
            try (StepBlock model = new StepBlock(workload, manager)) {
                Variant variant = new Variant(workload, model.block(), manager);
                try (Updater updater = new Updater(workload.optimizer(), model.block(), manager)) {
                    Loop loop = new Loop(workload, variant, manager, updater);
                    loop.prime();
                    begin = System.nanoTime();
                    loss = loop.step(progress);
                    end = System.nanoTime();
                }
            }
            return measurement(workload, watch.stop(), Duration.ofNanos(end - begin), loss);
        } finally {
            watch.close();
            NativeTrim.now();
        }
    }

    private static Measurement measurement(Workload workload, Peak peak, Duration step, double loss) {
        return new Measurement(
                workload, peak.before().rss().orElseThrow(), peak.rose().orElseThrow(), step, loss, peak.exact());
    }
}

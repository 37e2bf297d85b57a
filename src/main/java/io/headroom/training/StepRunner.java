package io.headroom.training;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import io.headroom.workload.Workload;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Runs a workload's step for real, on random data, and measures its peak.
 *
 * <p>Weights and data are drawn from one seed of the engine, so that a step repeats: the engine's own seed is set. The model
 * is built, one step of a single sequence gives it the gradients and optimizer state that any step but the
 * first meets, then the full step runs: forward, backward, update. As in DJL's own training loop the intermediate
 * arrays of a step live until the update is over. Everything is closed by scope, on failure too, and freed memory is
 * handed back to the system, so that a smaller step can follow in the same process. The peak is the kernel's own mark on
 * Linux and sampled elsewhere, as {@link Measurement#exact()} says. On the CPU a tiny step of the same kind goes before the first one
 * of a process, so that what the engine and the JVM load once is not counted as the step's.
 *
 * <pre>{@code
 * Measurement measured = StepRunner.run(step);
 * Bytes.format(measured.peakBytes());
 * }</pre>
 *
 * <p>The step runs on the workload's device: the CPU by default; {@code "cuda"} or a card of the table on the engine's first
 * CUDA device, where the peak is what this process holds on it, sampled through the driver, its context not counted; {@code
 * "mps"} or a Mac of the table on Apple's, where it is the process's own. CUDA and MPS were tested with stand-ins for engine
 * and driver alone.
 *
 * <p>One run at a time: a peak belongs to the whole process. An interrupt ends the run before its next stage.
 */
public final class StepRunner {
    private static final int SEED = 7;

    private StepRunner() {}

    /** Why a step that can be estimated cannot be run here, and what to use instead; empty if it can. */
    public static Optional<String> obstacle(Workload workload) {
        try {
            RunCheck.check(workload);
            return Optional.empty();
        } catch (IllegalArgumentException refused) {
            return Optional.of(refused.getMessage());
        }
    }

    /**
     * Runs the step.
     *
     * @throws ai.djl.engine.EngineException if the engine refuses an allocation; the process is then as before
     * @throws IllegalArgumentException if the workload does not hold together, asks for what the step in DJL would leave
     *     out, or for a device that the engine does not have
     * @throws IllegalStateException if the system or the driver does not tell the memory that is held
     * @throws java.util.concurrent.CancellationException if the thread was interrupted; everything is given back
     */
    public static Measurement run(Workload workload) {
        return run(workload, stage -> {});
    }

    /**
     * Runs the step and tells each stage as it begins: {@code "build"}, {@code "forward 1/4"}, {@code "backward 1/4"},
     * {@code "update"}.
     */
    public static synchronized Measurement run(Workload workload, Consumer<String> progress) {
        Interrupts.check("before the step began");
        RunCheck.check(workload.validate());
        Device device = StepDevice.of(workload);
        WarmUp.before(workload, device);
        CacheEmptying.now(device);
        try (StepMeter meter = StepDevice.meter(device)) {
            return run(workload, progress, device, meter);
        }
    }

    /**
     * Refuses a device on which no step runs here, by the names that a workload takes.
     *
     * @throws IllegalArgumentException if the engine does not have it
     */
    public static void requireDevice(String device) {
        StepDevice.require(device);
    }

    static Measurement run(Workload workload, Consumer<String> progress, Device device, StepMeter meter) {
        Consumer<String> stages = stage -> {
            Interrupts.check("before " + stage + " of the step: all of it was given back");
            progress.accept(stage);
        };
        long begin;
        long end;
        double loss;
        try (NDManager manager = NDManager.newBaseManager(device)) {
            stages.accept("build");
            Engine.getInstance().setRandomSeed(SEED);
            try (StepBlock model = new StepBlock(workload, manager)) {
                Variant variant = new Variant(workload, model.block(), manager);
                try (Updater updater = new Updater(workload.optimizer(), model.block(), manager)) {
                    Loop loop = new Loop(workload, variant, manager, updater);
                    loop.prime();
                    begin = System.nanoTime();
                    loss = loop.step(stages);
                    end = System.nanoTime();
                }
            }
            return new Measurement(
                    workload, meter.idleBytes(), meter.roseBytes(), Duration.ofNanos(end - begin), loss, meter.exact());
        } finally {
            CacheEmptying.now(device);
        }
    }
}

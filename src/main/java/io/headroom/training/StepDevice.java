package io.headroom.training;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.Reading;
import io.headroom.workload.Workload;
import java.util.Locale;
import java.util.Optional;

/**
 * The engine's device on which a workload's step runs.
 *
 * <p>On CUDA and MPS this has been tested with stand-ins for the engine and the driver alone.
 */
final class StepDevice {
    private StepDevice() {}

    /** @throws IllegalArgumentException if the engine has no such device, so that it cannot be picked; says what to write instead */
    static void require(String name) {
        Engine engine = Engine.getInstance();
        require(name, engine, engine.getGpuCount(), System.getProperty("os.name"));
    }

    static void require(String name, Engine engine, int gpus, String system) {
        missing(name, engine, gpus, system).ifPresent(missing -> {
            throw new IllegalArgumentException(
                    missing + ", so it is not picked: the device stays as it was. To estimate a step"
                            + " for it without running it, name it there: transformer().device(\"" + name + "\").");
        });
    }

    /** @throws IllegalArgumentException if the engine has no such device; says what there is */
    static Device of(String name) {
        Engine engine = Engine.getInstance();
        return of(name, engine, engine.getGpuCount(), System.getProperty("os.name"));
    }

    static Device of(String name, Engine engine, int gpus, String system) {
        String plain = name.strip().toLowerCase(Locale.ROOT);
        if (plain.equals("cpu")) {
            return Device.cpu();
        }
        missing(name, engine, gpus, system).ifPresent(missing -> {
            throw new IllegalArgumentException(
                    missing + ", so the step is estimated but not run. Use device = cpu to run it.");
        });
        return isApple(plain) ? Device.of("mps", 0) : Device.gpu();
    }

    private static boolean isApple(String plain) {
        return plain.startsWith("mac") || plain.equals("mps");
    }

    /** What is missing for that device, as the beginning of a sentence; empty if it is there. */
    private static Optional<String> missing(String name, Engine engine, int gpus, String system) {
        String plain = name.strip().toLowerCase(Locale.ROOT);
        boolean apple = isApple(plain);
        if (plain.equals("cpu") || (apple ? system.startsWith("Mac") : gpus > 0)) {
            return Optional.empty();
        }
        return Optional.of("device = " + name + ": "
                + (engine == null ? "the engine" : engine.getEngineName() + " " + engine.getVersion()) + " has no "
                + (apple ? "MPS" : "CUDA") + " device here");
    }

    /** Measures on that device: Apple's holds the process's own memory, CUDA's its own, the context not counted. */
    static StepMeter meter(Device device) {
        if (!device.isGpu()) {
            return new ProcessMeter();
        }
        try (NDManager manager = NDManager.newBaseManager(device)) {
            manager.zeros(new Shape(1)); // the context of a first array is not the step's
        }
        CacheEmptying.now(device);
        return new DeviceMeter(() -> Reading.now().devices());
    }

    static Device of(Workload workload) {
        return of(workload.device());
    }
}

package io.headroom.training;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.Reading;
import io.headroom.workload.Workload;
import java.util.Locale;

/**
 * The engine's device on which a workload's step runs.
 *
 * <p>On CUDA and MPS this has been tested with stand-ins for the engine and the driver alone.
 */
final class StepDevice {
    private StepDevice() {}

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
        boolean apple = plain.startsWith("mac") || plain.equals("mps");
        if (apple ? !system.startsWith("Mac") : gpus == 0) {
            throw new IllegalArgumentException("device = " + name + ": "
                    + (engine == null ? "the engine" : engine.getEngineName() + " " + engine.getVersion()) + " has no "
                    + (apple ? "MPS" : "CUDA")
                    + " device here, so the step is estimated but not run. Use device = cpu to run it.");
        }
        return apple ? Device.of("mps", 0) : Device.gpu();
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

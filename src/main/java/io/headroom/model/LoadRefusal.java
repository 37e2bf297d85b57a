package io.headroom.model;

import ai.djl.Device;
import io.headroom.memory.DeviceMemory;
import io.headroom.memory.Limit;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.util.Comparator;
import java.util.Optional;
import java.util.OptionalLong;

/** Refuses a load that cannot fit, with the figures, before anything of it is read. */
final class LoadRefusal {
    private LoadRefusal() {}

    /**
     * Where the weights go, the host or a GPU, must have room for them.
     *
     * @throws ModelException if it has not
     */
    static void check(String name, OptionalLong weights, Device device, Reading now) {
        if (weights.isPresent() && device.isGpu()) {
            gpu(name, weights.getAsLong(), now);
        } else if (weights.isPresent()) {
            host(name, weights.getAsLong(), now);
        }
    }

    private static void host(String name, long weights, Reading now) {
        OptionalLong headroom = now.headroom();
        if (headroom.isPresent() && weights > headroom.getAsLong()) {
            Limit limit = now.limit().orElseThrow();
            throw new ModelException(start(name, weights) + ", but only " + Bytes.format(headroom.getAsLong())
                    + " may still be used (" + limit.label()
                    + "). Release what is loaded, releaseAll(), or "
                    + (limit.kind() == Limit.Kind.CAP ? "lift the cap, unlimited()." : "load a smaller model."));
        }
    }

    /** CUDA may number cards otherwise than the driver does: refused only if no card has room. */
    private static void gpu(String name, long weights, Reading now) {
        Optional<DeviceMemory> roomiest = now.devices().stream()
                .filter(device -> !device.unified() && device.free().isPresent())
                .max(Comparator.comparingLong(device -> device.free().getAsLong()));
        roomiest.filter(device -> weights > device.free().getAsLong()).ifPresent(device -> {
            boolean several = now.devices().size() > 1;
            throw new ModelException(start(name, weights) + ", but "
                    + (several ? "no device has that much free; most has " : "the device has only ")
                    + Bytes.format(device.free().getAsLong())
                    + (several ? ", " + device.name() : " free")
                    + (device.total().isPresent()
                            ? " of " + Bytes.format(device.total().getAsLong())
                            : "")
                    + (several ? "" : " (" + device.name() + ")")
                    + ". Release what is loaded, releaseAll(), or load it on the CPU, Device.cpu().");
        });
    }

    /**
     * DJL reads parameters into direct buffers, which the JVM limits apart from everything else.
     *
     * @throws ModelException if they do not fit
     */
    static void checkDirectBuffers(String name, OptionalLong weights, Reading now) {
        OptionalLong most = DirectBuffers.most();
        long free = most.orElse(Long.MAX_VALUE) - now.jvm().direct().orElse(0);
        if (weights.orElse(0) > free) {
            throw new ModelException("The model \"" + name
                    + "\" was not loaded: DJL reads a block's parameters into direct"
                    + " buffers, its weights take " + Bytes.format(weights.getAsLong()) + ", and the JVM allows only "
                    + Bytes.format(Math.max(0, free)) + " more of those. Start the kernel with a larger"
                    + " -XX:MaxDirectMemorySize, or load the model as TorchScript, which needs none.");
        }
    }

    private static String start(String name, long weights) {
        return "The model \"" + name + "\" was not loaded: its weights take " + Bytes.format(weights);
    }
}

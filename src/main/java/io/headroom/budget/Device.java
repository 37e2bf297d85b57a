package io.headroom.budget;

import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A device by name, with the memory that a step can use on it.
 *
 * <p>Totals are the vendors' nominal sizes; what is usable is a rule, not a measurement: a CUDA device less the context
 * that every process needs there, a Mac the limit that PyTorch sets itself (1.7 times the two thirds of RAM that Metal
 * recommends).
 *
 * <pre>{@code
 * Device.named("A100 40GB").usableBytes();
 * }</pre>
 *
 * @param name such as {@code "A100 40GB"} or {@code "Mac 16GB"}
 * @param kind what runs on it
 * @param totalBytes its memory
 * @param usableBytes of it, for tensors and the allocator
 */
public record Device(String name, Kind kind, long totalBytes, long usableBytes) {
    /** Which allocator is behind a device. */
    public enum Kind {
        CPU,
        CUDA,
        MPS
    }

    /** Kernels and context of one process on a CUDA device, modules loaded lazily (0.47 GiB on an A100, torch 2.1). */
    static final long CONTEXT_BYTES = 512 * Bytes.MIB;

    private static final Pattern BLANKS = Pattern.compile("[\\s_-]");
    private static final List<Device> TABLE = table();
    private static final List<Device> HERE = List.of(
            new Device("cuda", Kind.CUDA, Long.MAX_VALUE, Long.MAX_VALUE),
            new Device("mps", Kind.MPS, Long.MAX_VALUE, Long.MAX_VALUE));
    private static final Map<String, Device> BY_NAME = Stream.concat(TABLE.stream(), HERE.stream())
            .collect(Collectors.toUnmodifiableMap(device -> plain(device.name), device -> device));

    /** All of the table. */
    public static List<Device> all() {
        return TABLE;
    }

    /**
     * The device of that name, in any case, blanks ignored; {@code "cpu"} is this process, {@code "cuda"} and {@code "mps"}
     * are the engine's own here, whatever their size.
     *
     * @throws IllegalArgumentException if it is not in the table; the message lists the names
     */
    public static Device named(String name) {
        Device device = BY_NAME.get(plain(name));
        if (device == null) {
            throw new IllegalArgumentException("device = \"" + name + "\" is not in the table: "
                    + TABLE.stream().map(Device::name).collect(Collectors.joining(", "))
                    + "; or cuda or mps, the engine's own.");
        }
        return device;
    }

    /** The smallest CUDA card of the table on which so many bytes of PyTorch's are free beside the context. */
    public static Optional<Device> smallestCard(long bytes) {
        return TABLE.stream()
                .filter(device -> device.kind == Kind.CUDA && device.usableBytes >= bytes)
                .min(Comparator.comparingLong(Device::totalBytes));
    }

    private static String plain(String name) {
        return BLANKS.matcher(name).replaceAll("").toLowerCase(Locale.ROOT);
    }

    private static List<Device> table() {
        List<Device> devices = new ArrayList<>();
        devices.add(new Device("cpu", Kind.CPU, Long.MAX_VALUE, Long.MAX_VALUE));
        String[] cuda = {
            "RTX 3060 12GB",
            "RTX 3090 24GB",
            "RTX 4070 12GB",
            "RTX 4090 24GB",
            "RTX 5090 32GB",
            "T4 16GB",
            "V100 16GB",
            "V100 32GB",
            "L4 24GB",
            "A10G 24GB",
            "L40S 48GB",
            "A100 40GB",
            "A100 80GB",
            "H100 80GB",
            "H200 141GB"
        };
        for (String name : cuda) {
            long total = gibibytes(name);
            devices.add(new Device(name, Kind.CUDA, total, total - CONTEXT_BYTES));
        }
        for (String name : new String[] {"Mac 8GB", "Mac 16GB", "Mac 24GB", "Mac 32GB", "Mac 64GB", "Mac 128GB"}) {
            long total = gibibytes(name);
            devices.add(new Device(name, Kind.MPS, total, total * 2 / 3 * 17 / 10));
        }
        return Collections.unmodifiableList(devices);
    }

    private static long gibibytes(String name) {
        return Bytes.parse(name.substring(name.lastIndexOf(' ') + 1).replace("GB", " GiB"));
    }
}

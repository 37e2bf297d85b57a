package io.headroom.budget;

import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A device by name, with the memory that a step can use on it.
 *
 * <p>What is usable is a rule, not a measurement: of a CUDA card what its driver counts, less the context that every process needs
 * there; of a Mac the limit that PyTorch sets itself (1.7 times the two thirds of RAM that Metal recommends). A driver reports less
 * than the box says: 2 % less on most cards, 5 % on those below 12 GB; where error correction is kept in the memory itself (GDDR6 of the T4, A10, A10G, A6000, L4 and L40S; on the A6000 it can be switched off)
 * a sixteenth and 3 % of the rest. That lies at or below every total that PyTorch printed in the out-of-memory messages we could
 * assign to a card (T4 14.56, RTX 2080 Ti 10.73, RTX 3060 11.76, RTX 3070 7.78, RTX 3080 9.78, RTX 4060 7.63, RTX 4090 23.64, V100 15.77 and 31.72, L40S 44.39, A100 79.14, H100 NVL 93.00, B200 178.35, RTX 5090 31.37 GiB). Of the other RTX 50 cards and of B100 and GH200 no such total was at hand: the first are
 * counted 5 % less, the others by the rule for most. A B200 has 180 GB, as NVIDIA's systems count it, not the 192 GB of its chips; the 480 GB in the name of a GH200
 * are of its processor.
 *
 * <pre>{@code
 * Device.named("A100 40GB").usableBytes();
 * }</pre>
 *
 * @param name such as {@code "A100 40GB"} or {@code "Mac 16GB"}
 * @param kind what runs on it
 * @param totalBytes its memory as its driver counts it, of a Mac the nominal size
 * @param usableBytes of it, for tensors and the allocator: what {@link Estimate#deviceBytes} counts
 */
public record Device(String name, Kind kind, long totalBytes, long usableBytes) {
    /** Which allocator is behind a device. */
    public enum Kind {
        CPU,
        CUDA,
        MPS
    }

    /** Kernels and context of one process on a CUDA device, modules loaded lazily (0.47 GiB on an A100, torch 2.1). */
    private static final long CONTEXT_BYTES = 481 * Bytes.MIB;

    private static final Set<String> CORRECTED =
            Set.of("T4 16GB", "L4 24GB", "A10 24GB", "A10G 24GB", "A6000 48GB", "L40S 48GB");
    /** No total that PyTorch printed was found for these. */
    private static final Set<String> UNSEEN =
            Set.of("RTX 5060 Ti 16GB", "RTX 5070 12GB", "RTX 5070 Ti 16GB", "RTX 5080 16GB");

    private static final long SMALL = 12 * Bytes.GIB;

    /** A slice of a card, as {@code nvidia-smi -L} writes it: {@code MIG 1g.10gb}. */
    private static final Pattern SLICE = Pattern.compile("(?i)\\bmig\\b|\\b\\d+g\\.\\d+gb\\b");

    private static final Pattern BLANKS = Pattern.compile("[\\s_-]");
    private static final List<Device> TABLE = table();
    private static final List<Device> HERE = List.of(
            new Device("cuda", Kind.CUDA, Long.MAX_VALUE, Long.MAX_VALUE),
            new Device("mps", Kind.MPS, Long.MAX_VALUE, Long.MAX_VALUE));
    private static final Map<String, Device> BY_NAME = Stream.concat(TABLE.stream(), HERE.stream())
            .collect(Collectors.toUnmodifiableMap(device -> plain(device.name), device -> device));

    private static final Map<String, List<Device>> BY_FULL_NAME =
            TABLE.stream().collect(Collectors.groupingBy(device -> asDriversWrite(device.name)));
    private static final Map<String, List<Device>> BY_SHORT_NAME =
            TABLE.stream().collect(Collectors.groupingBy(device -> asDriversWrite(device.withoutSize())));

    /** All of the table. */
    public static List<Device> all() {
        return TABLE;
    }

    /**
     * The device of that name, in any case, blanks ignored, without its size where there is only one; {@code "cpu"} is this
     * process, {@code "cuda"} and {@code "mps"} are the engine's own here, whatever their size.
     *
     * @throws IllegalArgumentException if it is not in the table, or there in several sizes; the message lists the names
     */
    public static Device named(String name) {
        refuseSlice("device", name);
        List<Device> found = matching(name);
        if (found.size() != 1) {
            throw new IllegalArgumentException("device = \"" + name + "\" "
                    + (found.isEmpty()
                            ? "is not in the table: " + names(TABLE) + "; or cuda or mps, the engine's own."
                            : "comes in several sizes: " + names(found) + ". Name one."));
        }
        return found.get(0);
    }

    /**
     * Refuses a slice of a card, which has what was cut off for it.
     *
     * @throws IllegalArgumentException for {@code MIG 1g.10gb} and the like; the message says what to give instead
     */
    public static void refuseSlice(String key, String name) {
        if (SLICE.matcher(name).find()) {
            throw new IllegalArgumentException(
                    key + " \"" + name
                            + "\" is a slice of a card (MIG), whose memory its driver says: give that, as nvidia-smi shows it, such as --limit 10GiB or card \"9.75 GiB\".");
        }
    }

    /** Those of that name; without a size in it, of every size: {@code "T4"}, {@code "NVIDIA A100"}. */
    public static List<Device> matching(String name) {
        String wanted = plain(name);
        Device exact = BY_NAME.get(wanted);
        if (exact != null) {
            return List.of(exact);
        }
        String called = asDriversWrite(name);
        return BY_FULL_NAME.getOrDefault(called, BY_SHORT_NAME.getOrDefault(called, List.of()));
    }

    /** The name without its size: {@code "A100"}. */
    public String withoutSize() {
        return name.contains(" ") ? name.substring(0, name.lastIndexOf(' ')) : name;
    }

    private static String names(List<Device> devices) {
        return devices.stream().map(Device::name).collect(Collectors.joining(", "));
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

    /** What is left of a name without what drivers and shops put before and after it. */
    private static String asDriversWrite(String name) {
        return name.toLowerCase(Locale.ROOT)
                .replaceAll("nvidia|geforce|tesla|\\b(sxm\\d?|pcie|hbm\\de?)\\b", "")
                .replaceAll("[\\s_-]", "")
                .replaceAll("^rtx(?=a\\d)", "")
                .replaceAll("^gh200480gb$", "gh20096gb")
                .replaceAll("(?<=^gh200\\d{2,3})g$", "gb");
    }

    private static List<Device> table() {
        List<Device> devices = new ArrayList<>();
        devices.add(new Device("cpu", Kind.CPU, Long.MAX_VALUE, Long.MAX_VALUE));
        String[] cuda = {
            "RTX 2080 Ti 11GB",
            "RTX 3060 12GB",
            "RTX 3070 8GB",
            "RTX 3080 10GB",
            "RTX 3090 24GB",
            "RTX 4060 8GB",
            "RTX 4070 12GB",
            "RTX 4090 24GB",
            "RTX 5060 8GB",
            "RTX 5060 Ti 8GB",
            "RTX 5060 Ti 16GB",
            "RTX 5070 12GB",
            "RTX 5070 Ti 16GB",
            "RTX 5080 16GB",
            "RTX 5090 32GB",
            "T4 16GB",
            "P100 16GB",
            "V100 16GB",
            "V100 32GB",
            "L4 24GB",
            "A10 24GB",
            "A10G 24GB",
            "A6000 48GB",
            "L40S 48GB",
            "A100 40GB",
            "A100 80GB",
            "H100 80GB",
            "H100 NVL 94GB",
            "H200 141GB",
            "GH200 96GB",
            "GH200 144GB",
            "B100 180GB",
            "B200 180GB"
        };
        for (String name : cuda) {
            long total = counted(name);
            devices.add(new Device(name, Kind.CUDA, total, total - CONTEXT_BYTES));
        }
        for (String name : new String[] {"Mac 8GB", "Mac 16GB", "Mac 24GB", "Mac 32GB", "Mac 64GB", "Mac 128GB"}) {
            long total = gibibytes(name);
            devices.add(new Device(name, Kind.MPS, total, total * 2 / 3 * 17 / 10));
        }
        return Collections.unmodifiableList(devices);
    }

    private static long counted(String name) {
        long nominal = gibibytes(name);
        if (CORRECTED.contains(name)) {
            return nominal / 16 * 15 / 100 * 97;
        }
        return nominal / 100 * (nominal < SMALL || UNSEEN.contains(name) ? 95 : 98);
    }

    private static long gibibytes(String name) {
        return Bytes.parse(name.substring(name.lastIndexOf(' ') + 1).replace("GB", " GiB"));
    }
}

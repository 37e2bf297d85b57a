package io.headroom.budget.cuda;

import io.headroom.budget.Device;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The memory of a card by its name, as its driver counts it.
 *
 * <p>That is {@link Device#totalBytes()}, less than the box says.
 *
 * <pre>{@code
 * Cards.bytes("RTX 3060");              // 11.76 GiB
 * Cards.bytes("NVIDIA A100-SXM4-80GB"); // 78.40 GiB, as nvidia-smi and torch.cuda.get_device_name() write it
 * Cards.bytes("24 GiB");                // as said
 * Cards.named("T4").capability();       // 75
 * }</pre>
 *
 * <p>Stateless and safe for any number of threads. Compute capabilities are those of NVIDIA's list (developer.nvidia.com/cuda-gpus).
 */
public final class Cards {
    private static final Map<String, Integer> CAPABILITIES = Map.ofEntries(
            Map.entry("RTX 3060", 86),
            Map.entry("RTX 2080 Ti", 75),
            Map.entry("RTX 3070", 86),
            Map.entry("RTX 3080", 86),
            Map.entry("RTX 3090", 86),
            Map.entry("RTX 4060", 89),
            Map.entry("RTX 4070", 89),
            Map.entry("RTX 4090", 89),
            Map.entry("RTX 5060", 120),
            Map.entry("RTX 5060 Ti", 120),
            Map.entry("RTX 5070", 120),
            Map.entry("RTX 5070 Ti", 120),
            Map.entry("RTX 5080", 120),
            Map.entry("RTX 5090", 120),
            Map.entry("T4", 75),
            Map.entry("P100", 60),
            Map.entry("V100", 70),
            Map.entry("L4", 89),
            Map.entry("A10G", 86),
            Map.entry("A10", 86),
            Map.entry("A6000", 86),
            Map.entry("L40S", 89),
            Map.entry("A100", 80),
            Map.entry("H100", 90),
            Map.entry("H100 NVL", 90),
            Map.entry("H200", 90),
            Map.entry("GH200", 90),
            Map.entry("B100", 100),
            Map.entry("B200", 100));
    private static final Pattern NUMBER = Pattern.compile("\\d+");
    private static final Pattern DIGITS = Pattern.compile("[a-z]?\\d{3,}");

    private Cards() {}

    /**
     * Total bytes of a card, or of a size such as {@code "24 GiB"}.
     *
     * @throws IllegalArgumentException as {@link #named}
     */
    public static long bytes(String card) {
        return named(card).bytes();
    }

    /**
     * The card of that name, or one of a size such as {@code "24 GiB"}, of which no more is known.
     *
     * @throws IllegalArgumentException if it is neither, a size that a CUDA context does not fit into, or a name that several cards
     *     have; the message lists the names
     */
    public static Card named(String card) {
        if (card == null || card.isBlank()) {
            throw new IllegalArgumentException(
                    "card " + (card == null ? "null" : "\"\"") + " names nothing. " + help());
        }
        Device.refuseSlice("card", card);
        if (Character.isDigit(card.strip().charAt(0))) {
            return sized(card.strip());
        }
        Device device = find(card);
        return new Card(
                device.name(), device.totalBytes(), CAPABILITIES.getOrDefault(device.withoutSize(), Card.UNKNOWN));
    }

    private static Card sized(String size) {
        long bytes;
        try {
            bytes = Bytes.parse(size);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "card \"" + shown(size) + "\" is no size and no name in the table. " + nearest(size) + help(), e);
        }
        if (bytes < CudaEstimate.CONTEXT_BYTES) {
            throw new IllegalArgumentException("card \"" + size + "\" is " + Bytes.format(bytes)
                    + ", less than a CUDA context takes (" + Bytes.format(CudaEstimate.CONTEXT_BYTES) + "). "
                    + nearest(size) + help());
        }
        return new Card(Bytes.format(bytes), bytes, Card.UNKNOWN);
    }

    /** Cards with the same number in their names; of a small number the size that it may mean. */
    private static String nearest(String size) {
        Matcher digits = DIGITS.matcher(size.toLowerCase(Locale.ROOT));
        if (digits.find()) {
            String number = digits.group();
            String names = cuda().stream()
                    .map(Device::name)
                    .filter(name -> name.toLowerCase(Locale.ROOT).contains(number))
                    .collect(Collectors.joining(", "));
            return names.isEmpty() ? "" : "Did you mean " + names + "? ";
        }
        return NUMBER.matcher(size).matches() ? "Did you mean \"" + size + " GiB\"? " : "";
    }

    private static Device find(String card) {
        List<Device> found = Device.matching(card).stream()
                .filter(device -> cuda().contains(device))
                .toList();
        if (found.size() == 1) {
            return found.get(0);
        }
        throw new IllegalArgumentException(
                found.isEmpty()
                        ? "card \"" + shown(card) + "\" is not in the table. " + nearest(card) + help()
                        : "card \"" + shown(card) + "\" comes in several sizes: "
                                + found.stream().map(Device::name).collect(Collectors.joining(", ")) + ". Name one.");
    }

    private static String shown(String text) {
        return text.length() > 60 ? text.substring(0, 60) + "…" : text;
    }

    private static String help() {
        return "Write its memory, such as \"24 GiB\", or one of "
                + cuda().stream().map(Device::name).collect(Collectors.joining(", ")) + ".";
    }

    private static List<Device> cuda() {
        return Device.all().stream()
                .filter(device -> device.kind() == Device.Kind.CUDA)
                .toList();
    }
}

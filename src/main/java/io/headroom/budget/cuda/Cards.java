package io.headroom.budget.cuda;

import io.headroom.budget.Device;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The memory of a card by its name, as its driver counts it.
 *
 * <p>That is {@link Device#totalBytes()}, less than the box says.
 *
 * <pre>{@code
 * Cards.bytes("RTX 3060");    // 11.76 GiB
 * Cards.bytes("24 GiB");      // as said
 * }</pre>
 *
 * <p>Stateless and safe for any number of threads.
 */
public final class Cards {
    private Cards() {}

    /**
     * Total bytes of a card, or of a size such as {@code "24 GiB"}.
     *
     * @throws IllegalArgumentException if it is neither, or a name that several cards have; the message lists the names
     */
    public static long bytes(String card) {
        if (card == null || card.isBlank()) {
            throw new IllegalArgumentException("card \"" + card + "\" names nothing. " + help());
        }
        if (Character.isDigit(card.strip().charAt(0))) {
            long bytes = Bytes.parse(card);
            if (bytes < CudaEstimate.CONTEXT_BYTES) {
                throw new IllegalArgumentException("card \"" + card + "\" is " + Bytes.format(bytes)
                        + ", less than a CUDA context takes. " + help());
            }
            return bytes;
        }
        return named(card).totalBytes();
    }

    private static Device named(String card) {
        String wanted = plain(card);
        List<Device> found = cuda().stream()
                .filter(device -> plain(device.name()).equals(wanted))
                .toList();
        if (found.isEmpty()) {
            found = cuda().stream()
                    .filter(device -> model(device).equals(wanted))
                    .toList();
        }
        if (found.size() == 1) {
            return found.get(0);
        }
        String shown = card.length() > 60 ? card.substring(0, 60) + "…" : card;
        throw new IllegalArgumentException(
                found.isEmpty()
                        ? "card \"" + shown + "\" is not in the table. " + help()
                        : "card \"" + shown + "\" comes in several sizes: "
                                + found.stream().map(Device::name).collect(Collectors.joining(", ")) + ". Name one.");
    }

    /** The name without its size. */
    private static String model(Device device) {
        return plain(device.name().substring(0, device.name().lastIndexOf(' ')));
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

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT)
                .replaceAll("nvidia|geforce|tesla", "")
                .replaceAll("[\\s_-]", "");
    }
}

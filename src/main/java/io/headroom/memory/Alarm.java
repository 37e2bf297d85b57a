package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * A warning that the head-room is nearly used up, given before anything has failed.
 *
 * @param reading the reading that raised it
 * @param where the limit that is nearly met: {@code "cap 9.07 GiB"} or {@code "GPU 0 NVIDIA H200, 139.81 GiB"} or
 *     {@code "Java heap's -Xmx 512.00 MiB"}
 * @param left bytes left below it
 * @param threshold the head-room it had to stay above
 * @param leaks what grows, if anything does
 * @param remaining steps (or seconds) until the limit is met at that rate; absent where nothing grows
 */
public record Alarm(
        Reading reading, String where, long left, long threshold, List<Leak> leaks, OptionalDouble remaining) {
    public Alarm {
        leaks = List.copyOf(leaks);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("Memory is nearly used up: ")
                .append(Bytes.format(left))
                .append(" left below the ")
                .append(where)
                .append(" (alarm at ")
                .append(Bytes.format(threshold))
                .append(")");
        leaks.forEach(leak -> text.append("; ").append(leak));
        remaining.ifPresent(steps -> text.append(String.format(
                Locale.ROOT,
                "; full in about %.0f more %ss at this rate",
                steps,
                leaks.get(0).unit())));
        return text.append('.').toString();
    }
}

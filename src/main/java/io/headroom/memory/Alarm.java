package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * A warning that the head-room is nearly used up, given before anything has failed.
 *
 * @param reading the reading that raised it
 * @param threshold the head-room it had to stay above
 * @param leaks what grows, if anything does
 * @param remaining steps (or seconds) until the limit is met at that rate; absent where nothing grows
 */
public record Alarm(Reading reading, long threshold, List<Leak> leaks, OptionalDouble remaining) {
    public Alarm {
        leaks = List.copyOf(leaks);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("Memory is nearly used up: ")
                .append(Bytes.format(reading.headroom().orElse(0)))
                .append(" left below the ")
                .append(reading.limit().map(Limit::label).orElse("limit"))
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

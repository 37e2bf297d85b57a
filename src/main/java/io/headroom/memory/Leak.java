package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Memory that grows from step to step: where, how fast, how sure.
 *
 * @param where the NDManager that holds what grows, or {@link #PROCESS}
 * @param trend bytes per unit
 * @param unit {@code "step"}, or {@code "second"} where no steps are counted
 * @param shapes which arrays became more, and by how many; empty for the process
 */
public record Leak(String where, Trend trend, String unit, Map<String, Integer> shapes) {
    /** {@link #where} for growth outside DJL's managers. */
    public static final String PROCESS = "the process";

    public Leak {
        shapes = Collections.unmodifiableMap(new LinkedHashMap<>(shapes));
    }

    /** {@code manager "cache" grows by 2.00 MiB per step (99 %: 1.98 to 2.02 MiB, 40 points): +40 × (512, 1024) float32}. */
    @Override
    public String toString() {
        String what = where.equals(PROCESS) ? PROCESS : "manager \"" + where + "\"";
        String grown = shapes.entrySet().stream()
                .limit(3)
                .map(entry -> "+" + entry.getValue() + " × " + entry.getKey())
                .collect(Collectors.joining(", "));
        return String.format(
                Locale.ROOT,
                "%s grows by %s per %s (99 %%: %s to %s, %d points)%s",
                what,
                Bytes.format(Math.round(trend.slope())),
                unit,
                Bytes.format(Math.round(trend.low())),
                Bytes.format(Math.round(trend.high())),
                trend.points(),
                grown.isEmpty() ? "" : ": " + grown);
    }
}

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
 * @param where {@code manager "cache"}, {@code managers "batch"} or {@code unnamed managers below "trainer"}, or
 *     {@link #PROCESS}
 * @param managers how many more NDManagers hold arrays there than at first; 0 where one manager holds more
 * @param trend bytes per unit
 * @param unit {@code "step"}, or {@code "second"} where no steps are counted
 * @param shapes which arrays became more, and by how many; empty for the process
 */
public record Leak(String where, int managers, Trend trend, String unit, Map<String, Integer> shapes) {
    /** {@link #where} for growth outside DJL's managers and the Java heap. */
    public static final String PROCESS = "the process";

    private static final int SHAPES = 3;

    public Leak {
        shapes = Collections.unmodifiableMap(new LinkedHashMap<>(shapes));
    }

    /** What became more: {@code +40 managers, +40 × (512, 1024) float32}; at most three shapes. */
    public String grown() {
        String arrays = shapes.entrySet().stream()
                .limit(SHAPES)
                .map(entry -> "+" + entry.getValue() + " × " + entry.getKey())
                .collect(Collectors.joining(", "));
        String more = managers > 0 ? "+" + managers + (managers == 1 ? " manager" : " managers") : "";
        return more + (more.isEmpty() || arrays.isEmpty() ? "" : ", ") + arrays;
    }

    /** {@code manager "cache" grows by 2.00 MiB per step (99 %: 1.98 to 2.02 MiB, 40 points): +40 × (512, 1024) float32}. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s %s by %s per %s (99 %%: %s to %s, %d points)%s",
                where,
                where.contains("managers") ? "grow" : "grows",
                Bytes.format(Math.round(trend.slope())),
                unit,
                Bytes.format(Math.round(trend.low())),
                Bytes.format(Math.round(trend.high())),
                trend.points(),
                grown().isEmpty() ? "" : ": " + grown());
    }
}

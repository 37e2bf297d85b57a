package io.headroom.memory;

import java.util.AbstractList;
import java.util.List;

/**
 * What grows under a monitor, fastest first; unmodifiable, empty where nothing does or too few readings tell.
 *
 * <pre>{@code
 * Leaks leaks = monitor.leaks();
 * leaks.get(0).trend().slope();   // bytes per step
 * }</pre>
 */
public final class Leaks extends AbstractList<Leak> {
    private final List<Leak> leaks;
    private final int readings;

    Leaks(List<Leak> leaks, int readings) {
        this.leaks = List.copyOf(leaks);
        this.readings = readings;
    }

    @Override
    public Leak get(int index) {
        return leaks.get(index);
    }

    @Override
    public int size() {
        return leaks.size();
    }

    /** How many of the last readings were looked at. */
    public int readings() {
        return readings;
    }

    /** A line for each, or that nothing grows. */
    @Override
    public String toString() {
        if (!isEmpty()) {
            return String.join("\n", leaks.stream().map(Leak::toString).toList());
        }
        return readings < LeakFinder.LEAST
                ? "Too few readings to tell whether anything grows: " + readings + " of " + LeakFinder.LEAST + "."
                : "Nothing grows over the last " + readings + " readings.";
    }
}

package io.headroom.memory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks for growth in the readings of a monitor, manager by manager.
 *
 * <p>A warm-up that levels off is no leak: the newer half must grow by itself, not only the whole.
 */
final class LeakFinder {
    private static final int WINDOW = 96;
    private static final int MANAGERS = 256;
    /** The system counts whole pages, and malloc has headers: the process grows by a little more than its arrays. */
    private static final double ROUNDING = 0.05;

    private static final double PAGE = 4096;

    private record Sample(double x, double resident, Map<String, LiveArrays.Manager> managers) {}

    private final Deque<Sample> samples = new ArrayDeque<>();

    private String unit = "";

    /** Adds a reading at step or second x; another unit than before, or an x that goes back, begins anew. */
    synchronized void add(String unitOfX, double x, Reading reading) {
        if (!unitOfX.equals(unit) || !samples.isEmpty() && x < samples.getLast().x()) {
            samples.clear();
            unit = unitOfX;
        }
        Map<String, LiveArrays.Manager> managers = new HashMap<>();
        reading.arrays().ifPresent(live -> live.managers().stream()
                .limit(MANAGERS)
                .forEach(manager -> managers.merge(manager.name(), manager, LiveArrays.Manager::plus)));
        samples.addLast(new Sample(x, reading.rss().orElse(0), managers));
        if (samples.size() > WINDOW) {
            samples.removeFirst();
        }
    }

    /** What grows, fastest first; the process only where no manager explains it. */
    synchronized List<Leak> leaks() {
        List<Sample> all = new ArrayList<>(samples);
        List<Leak> found = new ArrayList<>();
        if (all.size() < Trend.LEAST) {
            return found;
        }
        Sample last = all.get(all.size() - 1);
        for (String name : last.managers().keySet()) {
            List<Sample> series = all.stream()
                    .filter(sample -> sample.managers().containsKey(name))
                    .toList();
            Trend trend = growing(series, sample -> sample.managers().get(name).bytes());
            if (trend != null) {
                found.add(new Leak(
                        name,
                        trend,
                        unit,
                        grown(
                                series.get(0).managers().get(name),
                                last.managers().get(name))));
            }
        }
        found.sort(
                Comparator.comparingDouble((Leak leak) -> leak.trend().slope()).reversed());
        Trend process = growing(all, Sample::resident);
        double explained =
                found.stream().mapToDouble(leak -> leak.trend().slope()).sum();
        double rounding = explained > 0 ? Math.max(ROUNDING * explained, PAGE) : 0;
        if (process != null && process.low() > explained + rounding) {
            found.add(new Leak(Leak.PROCESS, process, unit, Map.of()));
        }
        return found;
    }

    private interface Value {
        double of(Sample sample);
    }

    private static Trend growing(List<Sample> series, Value value) {
        List<Sample> newer = series.subList(series.size() / 2, series.size());
        Trend half = trend(newer, value);
        Trend whole = trend(series, value);
        return half != null && whole != null && half.grows() && whole.grows() ? half : null;
    }

    private static Trend trend(List<Sample> series, Value value) {
        return Trend.of(
                        series.stream().mapToDouble(Sample::x).toArray(),
                        series.stream().mapToDouble(value::of).toArray())
                .orElse(null);
    }

    private static Map<String, Integer> grown(LiveArrays.Manager first, LiveArrays.Manager last) {
        Map<String, Integer> grown = new LinkedHashMap<>();
        last.shapes().forEach((shape, count) -> {
            int more = count - first.shapes().getOrDefault(shape, 0);
            if (more > 0) {
                grown.put(shape, more);
            }
        });
        return grown;
    }
}

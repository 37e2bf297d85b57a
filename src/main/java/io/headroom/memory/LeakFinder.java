package io.headroom.memory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Looks for growth in the readings of a monitor, manager by manager.
 *
 * <p>A warm-up that levels off is no leak: the newer half must grow by itself, not only the whole. However many managers
 * there are, a trend is looked for only in the process and in those that grew most from the first reading to the last.
 */
final class LeakFinder {
    /** With fewer readings than this the newer half has no trend. */
    static final int LEAST = 2 * Trend.LEAST - 1;

    private static final int WINDOW = 96;
    private static final int MANAGERS = 256;
    /** Each costs the slopes between all pairs of readings, twice. */
    private static final int CANDIDATES = 16;
    /** The system counts whole pages, and malloc has headers: the process grows by a little more than its arrays. */
    private static final double ROUNDING = 0.05;

    private static final double PAGE = 4096;
    /** Of the head-room, over the window, and at least: below it the process is not said to grow. */
    private static final double SHARE = 0.001;

    private static final double FLOOR = 1 << 20;

    /** Which arrays became more is told between readings that have all their shapes: one of so many, and the newest. */
    private static final int WHOLE = 16;

    private record Sample(
            double x, double resident, double headroom, Map<String, LiveArrays.Manager> managers, boolean whole) {
        Sample thinned() {
            Map<String, LiveArrays.Manager> thinned = new HashMap<>();
            managers.forEach((key, manager) -> thinned.put(key, manager.thinned()));
            return new Sample(x, resident, headroom, thinned, false);
        }
    }

    /** A manager over the readings that have it, and by how much the newer half of them is above the older. */
    private record Candidate(String key, List<Sample> series, double growth) {
        static Candidate of(String key, List<Sample> all) {
            List<Sample> series = all.stream()
                    .filter(sample -> sample.managers().containsKey(key))
                    .toList();
            int half = series.size() / 2;
            return new Candidate(
                    key, series, mean(key, series.subList(half, series.size())) - mean(key, series.subList(0, half)));
        }

        private static double mean(String key, List<Sample> samples) {
            return samples.stream()
                    .mapToLong(sample -> sample.managers().get(key).bytes())
                    .average()
                    .orElse(0);
        }

        double bytes(Sample sample) {
            return sample.managers().get(key).bytes();
        }

        Leak leak(Trend trend, String unit) {
            LiveArrays.Manager first = series.stream()
                    .filter(Sample::whole)
                    .findFirst()
                    .orElse(series.get(0))
                    .managers()
                    .get(key);
            LiveArrays.Manager last = series.get(series.size() - 1).managers().get(key);
            boolean one = !last.unnamed() && first.managers() == 1 && last.managers() == 1;
            return new Leak(
                    last.kind() + (one ? "" : "s") + last.place(),
                    Math.max(0, last.managers() - first.managers()),
                    trend,
                    unit,
                    grown(first, last));
        }
    }

    private final Deque<Sample> samples = new ArrayDeque<>();

    private String unit = "";
    private Leaks found;
    private long heap;
    private int looked;
    private long added;

    /** Adds a reading at step or second x; another unit than before, or an x that goes back, begins anew. */
    synchronized void add(String unitOfX, double x, Reading reading) {
        if (!unitOfX.equals(unit) || !samples.isEmpty() && x < samples.getLast().x()) {
            samples.clear();
            added = 0;
            unit = unitOfX;
        }
        heap = Math.max(heap, reading.jvm().heapUsed()); // its pages stay resident after a collection
        Map<String, LiveArrays.Manager> managers = new HashMap<>();
        reading.arrays().ifPresent(live -> live.managers().stream()
                .limit(MANAGERS)
                .forEach(manager -> managers.put(manager.key(), manager)));
        if (!samples.isEmpty() && (added - 1) % WHOLE != 0) {
            samples.addLast(samples.removeLast().thinned());
        }
        added++;
        samples.addLast(
                new Sample(x, reading.rss().orElse(0) - heap, reading.headroom().orElse(0), managers, true));
        if (samples.size() > WINDOW) {
            samples.removeFirst();
        }
        found = null;
    }

    /** What grows, fastest first; the process only where no manager explains it. Looked for once a reading. */
    synchronized Leaks leaks() {
        if (found == null) {
            found = new Leaks(look(), samples.size());
        }
        return found;
    }

    /** How many trends were looked for: what the search costs. */
    synchronized int looked() {
        return looked;
    }

    private List<Leak> look() {
        List<Sample> all = new ArrayList<>(samples);
        List<Leak> leaks = new ArrayList<>();
        if (all.size() < LEAST) {
            return leaks;
        }
        all.get(all.size() - 1).managers().keySet().stream()
                .filter(key -> moved(key, all))
                .map(key -> Candidate.of(key, all))
                .filter(candidate -> candidate.growth() > 0)
                .sorted(Comparator.comparingDouble(Candidate::growth).reversed())
                .limit(CANDIDATES)
                .forEach(candidate -> growing(candidate.series(), candidate::bytes)
                        .ifPresent(trend -> leaks.add(candidate.leak(trend, unit))));
        leaks.sort(
                Comparator.comparingDouble((Leak leak) -> leak.trend().slope()).reversed());
        double explained =
                leaks.stream().mapToDouble(leak -> leak.trend().slope()).sum();
        double rounding = explained > 0 ? Math.max(ROUNDING * explained, PAGE) : 0;
        growing(all, Sample::resident)
                .filter(process -> process.low() > explained + rounding)
                .filter(process -> matters(process, all))
                .ifPresent(process -> leaks.add(new Leak(Leak.PROCESS, 0, process, unit, Map.of())));
        return leaks;
    }

    /**
     * The JVM touches heap and compiles code for a long while, and what a process holds wanders: it grows only where it
     * climbs evenly, and by more than would take a thousand such windows to use the head-room up.
     */
    private static boolean matters(Trend process, List<Sample> all) {
        List<Sample> newer = all.subList(all.size() / 2, all.size());
        Sample last = all.get(all.size() - 1);
        double floor = Math.max(FLOOR, SHARE * last.headroom());
        return process.slope() * (last.x() - all.get(0).x()) >= floor
                && Trend.climbs(newer.stream().mapToDouble(Sample::resident).toArray());
    }

    /** Weights stay as they are: most managers need no closer look. */
    private static boolean moved(String key, List<Sample> all) {
        LiveArrays.Manager last = all.get(all.size() - 1).managers().get(key);
        LiveArrays.Manager middle = all.get(all.size() / 2).managers().get(key);
        LiveArrays.Manager first = all.get(0).managers().get(key);
        return first == null || middle == null || first.bytes() != last.bytes() || middle.bytes() != last.bytes();
    }

    private interface Value {
        double of(Sample sample);
    }

    private Optional<Trend> growing(List<Sample> series, Value value) {
        Optional<Trend> newer =
                trend(series.subList(series.size() / 2, series.size()), value).filter(Trend::grows);
        return newer.isPresent() && trend(series, value).filter(Trend::grows).isPresent() ? newer : Optional.empty();
    }

    private Optional<Trend> trend(List<Sample> series, Value value) {
        looked++;
        return Trend.of(
                series.stream().mapToDouble(Sample::x).toArray(),
                series.stream().mapToDouble(value::of).toArray());
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

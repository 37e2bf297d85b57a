package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * When a monitor's alarm is raised, is over and was printed.
 *
 * <p>Raised when the head-room falls below the threshold, over when it is half as much again: head-room that wavers there
 * raises one alarm. The host's memory, each device and the Java heap have an alarm of their own. The thread that sees it
 * first may not be one that may print.
 */
final class Alarms {
    private static final double SHARE = 0.05;

    private record Place(String key, String where, Limit limit) {
        long left() {
            return limit.headroom().orElse(Long.MAX_VALUE);
        }
    }

    private OptionalLong threshold = OptionalLong.empty();
    private final Map<String, Alarm> inForce = new LinkedHashMap<>();
    private final Queue<Alarm> unprinted = new ConcurrentLinkedQueue<>();

    synchronized void below(long headroom) {
        threshold = OptionalLong.of(headroom);
    }

    synchronized Optional<Alarm> inForce() {
        return inForce.values().stream().reduce((older, newer) -> newer);
    }

    /** The alarm, if this reading raises one: where the least is left beside what had to be. */
    synchronized Optional<Alarm> check(Reading reading, Supplier<Leaks> leaks) {
        List<Place> places = places(reading).toList();
        inForce.keySet().retainAll(places.stream().map(Place::key).toList());
        places.stream().filter(this::over).forEach(place -> inForce.remove(place.key()));
        Optional<Alarm> raised = places.stream()
                .filter(place -> place.left() < least(place) && !inForce.containsKey(place.key()))
                .min(Comparator.comparingDouble(place -> (double) place.left() / Math.max(1, least(place))))
                .map(place -> inForce(reading, place, leaks));
        raised.ifPresent(unprinted::add);
        return raised;
    }

    private Alarm inForce(Reading reading, Place place, Supplier<Leaks> leaks) {
        boolean heap = place.limit().kind() == Limit.Kind.HEAP;
        Alarm alarm = alarm(reading, place, heap ? new Leaks(List.of(), 0) : leaks.get()); // NDArrays are not on it
        inForce.put(place.key(), alarm);
        return alarm;
    }

    /**
     * The limit of the host's memory that bites first, each device that this process may use, and the Java heap once it is
     * known what a full collection leaves of it.
     */
    private static Stream<Place> places(Reading reading) {
        Stream<Place> host = reading.limit().stream().map(limit -> new Place("", limit.label(), limit));
        Stream<Place> devices = reading.devices().stream().flatMap(device -> device.limit().stream()
                .map(limit -> new Place(device.name(), device.name() + ", " + Bytes.format(limit.bytes()), limit)));
        Stream<Place> heap = reading.jvm().heapLive().isEmpty()
                ? Stream.empty()
                : reading.jvm().limit().stream()
                        .map(limit -> new Place(limit.kind().label(), "Java heap's " + limit.label(), limit));
        return Stream.of(host, devices, heap).flatMap(places -> places);
    }

    /** A threshold is meant for tensors: a heap that is small has its share of it at most. */
    private long least(Place place) {
        long share = Math.round(SHARE * place.limit().bytes());
        return place.limit().kind() == Limit.Kind.HEAP
                ? Math.min(threshold.orElse(share), share)
                : threshold.orElse(share);
    }

    private boolean over(Place place) {
        long least = least(place);
        long more = Math.min(least, Math.max(0, place.limit().bytes() - least)) / 2;
        return place.left() - more >= least;
    }

    /** Only of the host's memory it is known how fast it goes: NDArrays do not tell on which device they are. */
    private Alarm alarm(Reading reading, Place place, Leaks leaks) {
        double rate = place.limit().kind() == Limit.Kind.DEVICE
                ? 0
                : leaks.stream()
                        .mapToDouble(leak -> leak.trend().slope())
                        .max() // a manager and the process that holds it grow by the same arrays
                        .orElse(0);
        return new Alarm(
                reading,
                place.where(),
                place.left(),
                least(place),
                leaks,
                rate > 0 ? OptionalDouble.of(place.left() / rate) : OptionalDouble.empty());
    }

    /** Whether an alarm was raised that nobody has printed. */
    boolean waits() {
        return !unprinted.isEmpty();
    }

    /** An alarm that nobody has printed: the caller does, now. */
    Optional<Alarm> toPrint() {
        return Optional.ofNullable(unprinted.poll());
    }
}

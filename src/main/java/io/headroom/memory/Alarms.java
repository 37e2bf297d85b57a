package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.Comparator;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * When a monitor's alarm is raised, is over and was printed.
 *
 * <p>Raised when the head-room falls below the threshold, over when it is half as much again: head-room that wavers there
 * raises one alarm. The thread that sees it first may not be one that may print.
 */
final class Alarms {
    private static final double SHARE = 0.05;

    private record Place(String where, Limit limit) {
        long left() {
            return limit.headroom().orElse(Long.MAX_VALUE);
        }
    }

    private OptionalLong threshold = OptionalLong.empty();
    private Alarm inForce;
    private volatile Alarm unprinted;

    synchronized void below(long headroom) {
        threshold = OptionalLong.of(headroom);
    }

    synchronized Optional<Alarm> inForce() {
        return Optional.ofNullable(inForce);
    }

    /** The alarm, if this reading raises it. */
    synchronized Optional<Alarm> check(Reading reading, Supplier<Leaks> leaks) {
        Optional<Place> nearest = places(reading)
                .min(Comparator.comparingDouble(place -> (double) place.left() / Math.max(1, least(place))));
        if (nearest.isEmpty()) {
            return Optional.empty();
        }
        Place place = nearest.get();
        if (inForce != null) {
            inForce = places(reading).allMatch(this::over) ? null : inForce;
            return Optional.empty();
        }
        if (place.left() >= least(place)) {
            return Optional.empty();
        }
        inForce = alarm(reading, place, leaks.get());
        unprinted = inForce;
        return Optional.of(inForce);
    }

    /** The limit of the host's memory that bites first, and each device that this process may use. */
    private static Stream<Place> places(Reading reading) {
        return Stream.concat(
                reading.limit().stream().map(limit -> new Place(limit.label(), limit)),
                reading.devices().stream().flatMap(device -> device.limit().stream()
                        .map(limit -> new Place(device.name() + ", " + Bytes.format(limit.bytes()), limit))));
    }

    private long least(Place place) {
        return threshold.orElse(Math.round(SHARE * place.limit().bytes()));
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
        return unprinted != null;
    }

    /** The alarm that nobody has printed: the caller does, now. */
    synchronized Optional<Alarm> toPrint() {
        Optional<Alarm> alarm = Optional.ofNullable(unprinted);
        unprinted = null;
        return alarm;
    }
}

package io.headroom.memory;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * When a monitor's alarm is raised, is over and was printed.
 *
 * <p>Raised when the head-room falls below the threshold, over when it is half as much again: head-room that wavers there
 * raises one alarm. The thread that sees it first may not be one that may print.
 */
final class Alarms {
    private static final double SHARE = 0.05;

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
        OptionalLong headroom = reading.headroom();
        if (headroom.isEmpty()) {
            return Optional.empty();
        }
        long left = headroom.getAsLong();
        long limit = reading.limit().orElseThrow().bytes();
        long least = threshold.orElse(Math.round(SHARE * limit));
        if (inForce != null) {
            long more = Math.min(least, Math.max(0, limit - least)) / 2;
            inForce = left - more >= least ? null : inForce;
            return Optional.empty();
        }
        if (left >= least) {
            return Optional.empty();
        }
        inForce = alarm(reading, least, left, leaks.get());
        unprinted = inForce;
        return Optional.of(inForce);
    }

    private static Alarm alarm(Reading reading, long least, long left, Leaks leaks) {
        double rate = leaks.stream()
                .mapToDouble(leak -> leak.trend().slope())
                .max() // a manager and the process that holds it grow by the same arrays
                .orElse(0);
        return new Alarm(reading, least, leaks, rate > 0 ? OptionalDouble.of(left / rate) : OptionalDouble.empty());
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

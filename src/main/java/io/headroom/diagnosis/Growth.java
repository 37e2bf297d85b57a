package io.headroom.diagnosis;

import io.headroom.units.Bytes;
import java.util.List;
import java.util.Optional;

/** How memory went before the failure: steady growth is a leak, one jump at the end is a request. */
record Growth(boolean steady, long perStep, long total, int steps) {
    private static final int FEWEST = 5;

    static Growth of(List<Long> readings) {
        int steps = readings.size() - 1;
        if (steps < FEWEST) {
            return new Growth(false, 0, 0, Math.max(0, steps));
        }
        long first = readings.get(0);
        long last = readings.get(steps);
        long total = last - first;
        int rises = 0;
        long largest = 0;
        for (int i = 1; i <= steps; i++) {
            long step = readings.get(i) - readings.get(i - 1);
            rises += step > 0 ? 1 : 0;
            largest = Math.max(largest, step);
        }
        long middle = readings.get(steps / 2) - first;
        boolean both = middle > total / 5 && total - middle > total / 5;
        boolean steady = total > last / 20 && rises >= steps * 0.6 && both && largest < total / 2;
        return new Growth(steady, total / steps, total, steps);
    }

    /** A leak, if it was steady; what a monitor saw names it. */
    Optional<Verdict> leak(Situation situation) {
        if (!steady) {
            return Optional.empty();
        }
        String each = situation.countsSteps() ? ", " + Bytes.format(perStep) + " each" : "";
        Verdict leak = Verdict.of(
                Cause.ACCUMULATION_LEAK,
                0.8,
                "Memory grew by " + Bytes.format(total) + " over the last " + steps + " readings" + each
                        + ": what a step makes is kept.");
        return Optional.of(situation.leaks().stream()
                .findFirst()
                .map(first -> leak.because("The monitor saw it: " + first + "."))
                .orElse(leak));
    }
}

package io.headroom.memory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Readings in the order they were taken, bounded: when it is full it thins itself, keeping peaks and named stages.
 *
 * <p>Thinning looks at neighbours two by two and drops the lower one of a pair without names, so the highest reading is
 * always still there. Only when nearly all are named are names dropped too. Safe for any
 * number of threads.
 *
 * <pre>{@code
 * Timeline timeline = new Timeline();
 * timeline.add(Reading.now("start"));
 * timeline.toTable();   // time, stage, process, heap, native, kept, NDArrays, limit, head-room
 * }</pre>
 */
public final class Timeline {
    private static final int CAPACITY = 2_000;
    private static final int LEAST = 8;

    private final int capacity;
    private final List<Reading> readings = new ArrayList<>();
    private long added;

    /** A timeline of at most 2 000 readings. */
    public Timeline() {
        this(CAPACITY);
    }

    /**
     * A timeline of at most {@code capacity} readings.
     *
     * @throws IllegalArgumentException if the capacity is below 8
     */
    public Timeline(int capacity) {
        if (capacity < LEAST) {
            throw new IllegalArgumentException("A timeline of " + capacity + " readings cannot be drawn: give at least "
                    + LEAST + ", or leave it out for " + CAPACITY + ".");
        }
        this.capacity = capacity;
    }

    /** Takes a reading under a name and adds it. */
    public Reading mark(String stage) {
        Reading reading = Reading.now(stage);
        add(reading);
        return reading;
    }

    /** Adds a reading. */
    public synchronized void add(Reading reading) {
        readings.add(readings.isEmpty() ? reading : reading.sharing(readings.get(readings.size() - 1)));
        added++;
        if (readings.size() > capacity) {
            thin(true);
            if (readings.size() > capacity * 3 / 4) {
                thin(false);
            }
        }
    }

    /** The readings kept, oldest first. */
    public synchronized List<Reading> readings() {
        return List.copyOf(readings);
    }

    /** How many were added, thinned ones too. */
    public synchronized long added() {
        return added;
    }

    /** The reading with the largest resident set. */
    public synchronized Optional<Reading> highest() {
        return readings.stream().max((a, b) -> Long.compare(resident(a), resident(b)));
    }

    /** Forgets everything. */
    public synchronized void clear() {
        readings.clear();
        added = 0;
    }

    /** One row for each reading kept; bytes, missing where absent; time in seconds since the first. */
    public Table toTable() {
        List<Reading> rows = readings();
        DoubleColumn time = DoubleColumn.create("time");
        StringColumn stage = StringColumn.create("stage");
        rows.forEach(reading -> {
            time.append(seconds(rows.get(0), reading));
            stage.append(reading.stage());
        });
        return Table.create("memory")
                .addColumns(
                        time,
                        stage,
                        column("process", rows, Reading::rss),
                        column("peak", rows, reading -> reading.process().peak()),
                        column(
                                "heap",
                                rows,
                                reading -> OptionalLong.of(reading.jvm().heapUsed())),
                        column("native", rows, reading -> reading.nativeHeap().used()),
                        column("kept", rows, reading -> reading.nativeHeap().kept()),
                        column("NDArrays", rows, reading -> reading.arrays()
                                .map(live -> OptionalLong.of(live.bytes()))
                                .orElse(OptionalLong.empty())),
                        column("device", rows, Timeline::device),
                        column("limit", rows, reading -> reading.limit()
                                .map(limit -> OptionalLong.of(limit.bytes()))
                                .orElse(OptionalLong.empty())),
                        column("headroom", rows, Reading::headroom));
    }

    /** Seconds from one reading to another. */
    static double seconds(Reading from, Reading to) {
        return Duration.between(from.at(), to.at()).toNanos() / 1e9;
    }

    private interface Value {
        OptionalLong of(Reading reading);
    }

    private static LongColumn column(String name, List<Reading> rows, Value value) {
        LongColumn column = LongColumn.create(name);
        for (Reading reading : rows) {
            OptionalLong bytes = value.of(reading);
            if (bytes.isPresent()) {
                column.append(bytes.getAsLong());
            } else {
                column.appendMissing();
            }
        }
        return column;
    }

    private static OptionalLong device(Reading reading) {
        List<Long> used = reading.devices().stream()
                .filter(device -> device.used().isPresent())
                .map(device -> device.used().getAsLong())
                .toList();
        return used.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(used.stream().mapToLong(Long::longValue).sum());
    }

    /** Halves what may be dropped: of two neighbours the lower one goes; the first, the last and the highest stay. */
    private void thin(boolean keepNames) {
        Reading highest = highest().orElseThrow();
        List<Reading> kept = new ArrayList<>(readings.size());
        Reading held = null;
        for (int i = 0; i < readings.size(); i++) {
            Reading reading = readings.get(i);
            boolean stays = i == 0
                    || i == readings.size() - 1
                    || reading == highest
                    || keepNames && !reading.stage().isEmpty();
            if (stays) {
                if (held != null) {
                    kept.add(held);
                    held = null;
                }
                kept.add(reading);
            } else if (held == null) {
                held = reading;
            } else {
                kept.add(resident(reading) > resident(held) ? reading : held);
                held = null;
            }
        }
        readings.clear();
        readings.addAll(kept);
    }

    private static long resident(Reading reading) {
        return reading.rss().orElse(reading.jvm().heapUsed());
    }
}

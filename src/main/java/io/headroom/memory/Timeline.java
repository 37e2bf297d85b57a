package io.headroom.memory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Readings in the order they were taken, bounded: when it is full it thins itself, keeping peaks and named stages.
 *
 * <p>Thinning looks at neighbours two by two and drops the lower one of a pair without names, so the highest reading is
 * always still there, and so is the one whose mark tells of a spike between two readings. Only when nearly all are named are names dropped too. Safe for any
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
    private static final int NONE = -1;

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
        int last = readings.size() - 1;
        if (last >= 0) {
            Reading thinned = readings.get(last).thinned(); // the newest has all its shapes
            readings.set(last, last > 0 ? thinned.sharing(readings.get(last - 1)) : thinned);
        }
        readings.add(last < 0 ? reading : reading.sharing(readings.get(last)));
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

    /**
     * The most that the process held since the first reading: the system's own mark where it keeps one, else the highest
     * reading; absent where neither is known.
     */
    public OptionalLong peak() {
        List<Reading> known =
                readings().stream().filter(reading -> reading.rss().isPresent()).toList();
        return Arrays.stream(tops(known)).max();
    }

    /**
     * For each reading the highest the process was since the one before, itself included. The system's mark belongs to
     * this stretch if it is another one than at the reading before; an older mark tells nothing about it.
     */
    public static long[] tops(List<Reading> readings) {
        long[] tops = new long[readings.size()];
        OptionalLong before = OptionalLong.empty();
        for (int i = 0; i < tops.length; i++) {
            OptionalLong mark = readings.get(i).process().peak();
            tops[i] = resident(readings.get(i));
            if (i > 0 && mark.isPresent() && !mark.equals(before)) {
                tops[i] = Math.max(tops[i], mark.getAsLong());
            }
            before = mark;
        }
        return tops;
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
        long[] tops = tops(readings);
        int topmost = IntStream.range(0, tops.length).reduce(0, (a, b) -> tops[b] > tops[a] ? b : a);
        List<Reading> kept = new ArrayList<>(readings.size());
        int held = NONE;
        for (int i = 0; i < readings.size(); i++) {
            Reading reading = readings.get(i);
            boolean stays = i == 0
                    || i == readings.size() - 1
                    || reading == highest
                    || i == topmost
                    || keepNames && !reading.stage().isEmpty();
            if (stays) {
                if (held != NONE) {
                    kept.add(readings.get(held));
                    held = NONE;
                }
                kept.add(reading);
            } else if (held == NONE) {
                held = i;
            } else {
                kept.add(tops[i] > tops[held] ? reading : readings.get(held));
                held = NONE;
            }
        }
        readings.clear();
        readings.addAll(kept);
    }

    private static long resident(Reading reading) {
        return reading.rss().orElse(reading.jvm().heapUsed());
    }
}

package io.headroom.memory;

import io.headroom.units.Bytes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.LongStream;

/** The monitor's lines, in mebibytes and with the letters training logs use. */
final class MonitorLine {
    static final String CLEANED = "Memory cleanup completed";

    private static final double MEGABYTE = 1 << 20;

    private MonitorLine() {}

    static String of(long step, Reading reading) {
        StringBuilder line = new StringBuilder("Step ").append(step).append(": CPU: ");
        line.append(megabytes(reading.rss()));
        OptionalLong gpu = gpu(reading, DeviceMemory::own);
        OptionalLong cards = gpu(reading, DeviceMemory::used);
        if (gpu.isPresent()) {
            line.append(", GPU: ").append(megabytes(gpu));
        } else if (cards.isPresent()) {
            line.append(", GPU of all processes: ").append(megabytes(cards));
        }
        return line.toString();
    }

    /** What a monitor does and whether it has begun. */
    static String state(long steps, Duration interval, boolean closed, boolean reading, Timeline timeline) {
        String each = interval.toMillis() % 1_000 == 0 ? interval.toSeconds() + " s" : interval.toMillis() + " ms";
        String how = steps == 0 ? "every " + each : steps == 1 ? "each step" : "every " + steps + " steps";
        long readings = timeline.added();
        OptionalLong highest = timeline.peak();
        String taken = readings
                + (readings == 1 ? " reading" : " readings")
                + (highest.isPresent() ? ", highest " + Bytes.format(highest.getAsLong()) : "");
        String state;
        if (closed) {
            state = "stopped; " + taken + ".";
        } else if (reading) {
            state = "reading in the background every " + each + "; " + taken + ".";
        } else if (readings > 0) {
            state = taken + "; " + (steps == 0 ? "not reading now." : "reads on at the next step.");
        } else if (steps > 0) {
            state =
                    "nothing read yet. Call step(n) in your loop, give listener() to DJL's trainer, or use run(name, training).";
        } else {
            state =
                    "not started. live(monitor) starts and shows it, start() only starts it, run(name, training) reads while"
                            + " the training runs.";
        }
        return "Memory monitor, " + how + ": " + state;
    }

    static List<String> summary(Reading now, OptionalLong highest, List<Leak> leaks) {
        List<String> lines = new ArrayList<>();
        lines.add("Memory summary: current_cpu_mb " + number(now.rss()) + ", peak_cpu_mb " + number(highest) + gpu(now)
                + ", head-room_mb " + number(now.headroom()));
        leaks.forEach(leak -> lines.add("Growing: " + leak));
        return lines;
    }

    private static String gpu(Reading now) {
        OptionalLong own = gpu(now, DeviceMemory::own);
        OptionalLong cards = gpu(now, DeviceMemory::used);
        return own.isPresent()
                ? ", current_gpu_mb " + number(own)
                : cards.isPresent() ? ", current_gpu_mb_of_all_processes " + number(cards) : "";
    }

    /** Over all cards; absent where none tells. */
    private static OptionalLong gpu(Reading reading, Function<DeviceMemory, OptionalLong> bytes) {
        long[] known = reading.devices().stream()
                .filter(device -> !device.unified())
                .map(bytes)
                .filter(OptionalLong::isPresent)
                .mapToLong(OptionalLong::getAsLong)
                .toArray();
        return known.length == 0
                ? OptionalLong.empty()
                : OptionalLong.of(LongStream.of(known).sum());
    }

    private static String megabytes(OptionalLong bytes) {
        return bytes.isPresent() ? number(bytes) + "MB" : "not known";
    }

    private static String number(OptionalLong bytes) {
        return bytes.isPresent() ? String.format(Locale.ROOT, "%.1f", bytes.getAsLong() / MEGABYTE) : "not known";
    }
}

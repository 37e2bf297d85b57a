package io.headroom.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** The monitor's lines, in mebibytes and with the letters training logs use. */
final class MonitorLine {
    static final String CLEANED = "Memory cleanup completed";

    private static final double MEGABYTE = 1 << 20;

    private MonitorLine() {}

    static String of(long step, Reading reading) {
        StringBuilder line = new StringBuilder("Step ").append(step).append(": CPU: ");
        line.append(megabytes(reading.rss()));
        OptionalLong gpu = gpu(reading);
        if (gpu.isPresent()) {
            line.append(", GPU: ").append(megabytes(gpu));
        }
        return line.toString();
    }

    static List<String> summary(Reading now, OptionalLong highest, List<Leak> leaks) {
        List<String> lines = new ArrayList<>();
        lines.add("Memory summary: current_cpu_mb " + number(now.rss()) + ", peak_cpu_mb " + number(highest)
                + (gpu(now).isPresent() ? ", current_gpu_mb " + number(gpu(now)) : "") + ", head-room_mb "
                + number(now.headroom()));
        leaks.forEach(leak -> lines.add("Growing: " + leak));
        return lines;
    }

    private static OptionalLong gpu(Reading reading) {
        return reading.devices().stream()
                .filter(device -> !device.unified())
                .map(device -> device.own().isPresent() ? device.own() : device.used())
                .filter(OptionalLong::isPresent)
                .findFirst()
                .orElse(OptionalLong.empty());
    }

    private static String megabytes(OptionalLong bytes) {
        return bytes.isPresent() ? number(bytes) + "MB" : "not known";
    }

    private static String number(OptionalLong bytes) {
        return bytes.isPresent() ? String.format(Locale.ROOT, "%.1f", bytes.getAsLong() / MEGABYTE) : "not known";
    }
}

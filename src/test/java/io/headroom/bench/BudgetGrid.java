package io.headroom.bench;

import io.headroom.training.Measurement;
import io.headroom.training.StepRunner;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Runs the grid's steps for real and writes each peak: {@code BudgetGrid measured.tsv [minutes]}.
 *
 * <p>Goes on where the file ends, and stops after so many minutes, so that a grid can be measured in parts. Whether glibc's
 * mmap threshold is fixed is the caller's to say, in the environment; it goes into the file.
 */
public final class BudgetGrid {
    private BudgetGrid() {}

    public static void main(String[] args) throws IOException {
        Path out = Path.of(args[0]);
        Instant until = Instant.now().plus(Duration.ofMinutes(args.length > 1 ? Long.parseLong(args[1]) : 60));
        Set<String> done = Files.exists(out) ? read(out).keySet() : Set.of();
        List<Workload> steps = GridSteps.all().stream()
                .filter(step -> !done.contains(step.toString()))
                .toList();
        steps.stream()
                .collect(Collectors.groupingBy(Workload::architecture))
                .values()
                .forEach(kind -> StepRunner.run(kind.get(0).batch(1)));
        String malloc = System.getenv("MALLOC_MMAP_THRESHOLD_") == null ? "default" : "fixed";
        try (PrintStream file = new PrintStream(
                Files.newOutputStream(out, StandardOpenOption.CREATE, StandardOpenOption.APPEND),
                true,
                StandardCharsets.UTF_8)) {
            if (done.isEmpty()) {
                file.println("# step\tmalloc\tpeak_bytes\tmillis\texact");
            }
            for (Workload step : steps) {
                if (Instant.now().isAfter(until)) {
                    return;
                }
                try {
                    Measurement measured = StepRunner.run(step);
                    file.printf(
                            "%s\t%s\t%d\t%d\t%s%n",
                            step,
                            malloc,
                            measured.peakBytes(),
                            measured.duration().toMillis(),
                            measured.exact());
                } catch (RuntimeException e) {
                    System.err.println(step + ": " + e);
                }
            }
        }
    }

    /** Reads a measured file: step as written to its peak. */
    static Map<String, Long> read(Path file) throws IOException {
        Map<String, Long> peaks = new LinkedHashMap<>();
        for (String line : Files.readAllLines(file)) {
            if (!line.startsWith("#")) {
                String[] cells = line.split("\t");
                peaks.put(cells[0], Long.parseLong(cells[2]));
            }
        }
        return peaks;
    }
}

package io.headroom.bench;

import io.headroom.budget.cuda.CudaStep;
import io.headroom.cli.Main;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.preset.Preset;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Measures 1 000 specs of published models in one run of the command line, the start of its JVM within, and the processor time of
 * one estimate of the largest preset; prints goal and result.
 */
public final class SpecsBench {
    private static final int SPECS = 1000;
    private static final double GOAL_SECONDS = 20;
    private static final double GOAL_MILLISECONDS = 50;
    private static final int ROUNDS = 20;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private SpecsBench() {}

    /** Prints a table; the exit status is 1 if a goal was missed. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        double seconds = run();
        Preset largest = Preset.names().stream()
                .map(Preset::named)
                .max(Comparator.comparingLong(Preset::parameters))
                .orElseThrow();
        double milliseconds = estimate(largest);
        System.out.println("| measure | goal | result | share of the goal |");
        System.out.println("|---|---|---|---|");
        line(
                SPECS + " specs in one run, JVM start within, on "
                        + Runtime.getRuntime().availableProcessors() + " cores",
                GOAL_SECONDS,
                seconds,
                "s");
        line(
                "one estimate of " + largest.name() + ", processor time, median of " + ROUNDS,
                GOAL_MILLISECONDS,
                milliseconds,
                "ms");
        System.exit(seconds <= GOAL_SECONDS && milliseconds <= GOAL_MILLISECONDS ? 0 : 1);
    }

    private static void line(String what, double goal, double result, String unit) {
        System.out.printf(
                Locale.ROOT, "| %s | %.0f %s | %.1f %s | %.2f |%n", what, goal, unit, result, unit, result / goal);
    }

    /** Every preset in turn, with every optimizer, growing batches, and autocast for every third. */
    private static double run() throws IOException, InterruptedException {
        List<String> names = Preset.names();
        OptimizerKind[] optimizers = Arrays.stream(OptimizerKind.values())
                .filter(kind -> kind != OptimizerKind.ADAM8BIT)
                .toArray(OptimizerKind[]::new);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < SPECS; i++) {
            lines.add(String.format(
                    Locale.ROOT,
                    "{\"preset\": \"%s\", \"optimizer\": \"%s\", \"batch\": %d, \"precision\": \"%s\"}",
                    names.get(i % names.size()),
                    optimizers[i / names.size() % optimizers.length].name().toLowerCase(Locale.ROOT),
                    1 + i / 10,
                    i % 3 == 0 ? "autocast-bf16" : "fp32"));
        }
        Path specs = Files.createTempFile("specs", ".jsonl");
        Path answers = Files.createTempFile("answers", ".jsonl");
        try {
            Files.write(specs, lines);
            long start = System.nanoTime();
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            Main.class.getName(),
                            "budget",
                            specs.toString(),
                            "--json")
                    .redirectOutput(answers.toFile())
                    .redirectError(new File("/dev/stderr"))
                    .start();
            double busy = 0;
            while (!process.waitFor(20, TimeUnit.MILLISECONDS)) {
                busy = Math.max(
                        busy,
                        process.info()
                                        .totalCpuDuration()
                                        .map(Duration::toMillis)
                                        .orElse(0L)
                                / 1e3);
            }
            int exit = process.exitValue();
            double seconds = (System.nanoTime() - start) / 1e9;
            System.out.printf(Locale.ROOT, "%d specs: %.1f s of processor time in %.1f s%n%n", SPECS, busy, seconds);
            long answered = Files.readAllLines(answers).stream()
                    .filter(line -> line.contains("upper_bytes"))
                    .count();
            if (exit != 0 || answered != SPECS) {
                throw new IllegalStateException("exit " + exit + " with " + answered + " answers of " + SPECS);
            }
            return seconds;
        } finally {
            Files.delete(specs);
            Files.delete(answers);
        }
    }

    private static double estimate(Preset preset) {
        double[] milliseconds = new double[ROUNDS];
        for (int warm = 0; warm < 2; warm++) {
            for (int i = 0; i < ROUNDS; i++) {
                long start = THREADS.getCurrentThreadCpuTime();
                CudaStep.of(preset).batch(1 + i).build().estimate();
                milliseconds[i] = (THREADS.getCurrentThreadCpuTime() - start) / 1e6;
            }
        }
        Arrays.sort(milliseconds);
        return milliseconds[ROUNDS / 2];
    }
}

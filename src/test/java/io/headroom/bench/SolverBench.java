package io.headroom.bench;

import io.headroom.budget.Estimate;
import io.headroom.budget.Solver;
import io.headroom.remedy.Plans;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Times estimates and the solver; the goals are 1 ms and 50 ms.
 *
 * <p>Each question has a JVM of its own, asked until it is compiled. The first call, class loading included, is told beside.
 */
public final class SolverBench {
    private static final long WARM_NANOS = 3_000_000_000L;
    private static final int CALLS = 41;

    private record Question(String name, int goalMillis, Runnable ask) {}

    private SolverBench() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        List<Question> questions = questions();
        if (args.length == 1) {
            print(questions.get(Integer.parseInt(args[0])));
            return;
        }
        for (int i = 0; i < questions.size(); i++) {
            new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            SolverBench.class.getName(),
                            String.valueOf(i))
                    .inheritIO()
                    .start()
                    .waitFor();
        }
    }

    private static List<Question> questions() {
        List<Question> questions = new ArrayList<>();
        Workload two = Workload.transformer().batch(64).nodes(25).seq(80).dModel(128);
        add(questions, "case 2, CPU", two.layers(2).features(7), "9.07 GiB", "1 GiB");
        Workload medium = Workload.transformer().batch(8).seq(1024).heads(16).dModel(1024);
        medium = medium.layers(24).ff(4096).vocab(50_257);
        add(questions, "sizes of GPT-2 medium, CPU", medium, "40 GiB", "5 GiB");
        add(questions, "sizes of GPT-2 medium, A100 40GB", medium.device("A100 40GB"), "40 GiB", "5 GiB");
        return questions;
    }

    private static void add(List<Question> questions, String name, Workload step, String roomy, String scarce) {
        questions.add(new Question("estimate · " + name, 1, () -> Estimate.of(step)));
        for (String limit : List.of(roomy, scarce)) {
            long bytes = Bytes.parse(limit);
            questions.add(new Question(
                    "largest batch in " + limit + " · " + name, 50, () -> Solver.largestBatch(step, bytes)));
            questions.add(new Question(
                    "cheapest remedies for " + limit + " · " + name, 50, () -> Plans.cheapest(step, bytes)));
        }
    }

    private static void print(Question question) {
        double[] first = millis(question.ask());
        for (long start = System.nanoTime(); System.nanoTime() - start < WARM_NANOS; ) {
            question.ask().run();
        }
        double[] walls = new double[CALLS];
        double[] processor = new double[CALLS];
        for (int i = 0; i < CALLS; i++) {
            double[] taken = millis(question.ask());
            walls[i] = taken[0];
            processor[i] = taken[1];
        }
        Arrays.sort(walls);
        Arrays.sort(processor);
        double median = walls[CALLS / 2];
        Goal.print(
                "`solver`: " + question.name(),
                "≤ " + question.goalMillis() + " ms",
                String.format(
                        Locale.ROOT,
                        "median %.2f ms, ratio %.2f (processor %.2f ms); first call of a JVM %.0f ms (processor %.0f ms)",
                        median,
                        median / question.goalMillis(),
                        processor[CALLS / 2],
                        first[0],
                        first[1]),
                median <= question.goalMillis());
    }

    /** On the clock and of the processor. */
    private static double[] millis(Runnable ask) {
        long start = System.nanoTime();
        long used = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        ask.run();
        return new double[] {
            (System.nanoTime() - start) / 1e6,
            (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - used) / 1e6
        };
    }
}

package io.headroom.bench;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.Breakdown;
import io.headroom.memory.Reading;
import java.util.Arrays;
import java.util.Locale;

/** What one reading costs; the goal is a median of a millisecond on Linux. */
public final class ReadingBench {
    private static final int WARM = 500;
    private static final int RUNS = 2_000;
    private static final double MOST_MILLIS = 1;

    private ReadingBench() {}

    public static void main(String[] args) {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            double median = measure("reading", RUNS, Reading::now);
            for (int arrays : new int[] {1, 100, 1_000, 10_000}) {
                while (manager.getManagedArrays().size() < arrays) {
                    manager.ones(new Shape(256));
                }
                measure("reading with " + arrays + " NDArrays by manager", RUNS / 4, () -> Reading.now("stage"));
            }
            measure("breakdown of every mapping", 50, Breakdown::now);
            Goal.print(
                    "`reading`: one reading, median of " + RUNS,
                    "≤ 1 ms",
                    String.format(Locale.ROOT, "%.3f ms, ratio %.2f", median, median / MOST_MILLIS),
                    median <= MOST_MILLIS);
        }
    }

    private static double measure(String name, int runs, Runnable reading) {
        for (int i = 0; i < Math.min(WARM, runs); i++) {
            reading.run();
        }
        long[] nanos = new long[runs];
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            reading.run();
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        System.out.printf(
                Locale.ROOT,
                "%s: median %.3f ms, 99th percentile %.3f ms%n",
                name,
                nanos[runs / 2] / 1e6,
                nanos[runs * 99 / 100] / 1e6);
        return nanos[runs / 2] / 1e6;
    }
}

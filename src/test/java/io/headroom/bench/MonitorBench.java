package io.headroom.bench;

import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.loss.Loss;
import com.sun.management.OperatingSystemMXBean;
import io.headroom.memory.MemoryMonitor;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A training loop with and without a monitor at its default interval, in turn (with, without, without, with, …), in
 * many short blocks of the same number of steps that last about so many seconds: {@code MonitorBench [PAIRS] [SECONDS]}.
 *
 * <p>Short blocks: what else the machine does changes little between the two of a pair, and a pair that it disturbs is one of
 * many. A block of two seconds has at least two readings, the first at its start, so no fewer a second than a long training.
 *
 * <p>The goal is a ratio of 1.01 in elapsed time, the median over pairs with its bootstrap interval. Blocks without a monitor are held against their
 * own neighbours too: what that ratio spreads is the machine's noise. The monitor thread's own processor time tells the
 * cost free of it.
 */
public final class MonitorBench {
    private static final double MOST = 1.01;
    private static final int DRAWS = 10_000;
    private static final double WARM_UP = 10;
    private static final int CHUNK = 100;

    private MonitorBench() {}

    public static void main(String[] args) throws Exception {
        int pairs = args.length > 0 ? Integer.parseInt(args[0]) : 48;
        double seconds = args.length > 1 ? Double.parseDouble(args[1]) : 2;
        try (Model model = Model.newInstance("bench", "PyTorch");
                NDManager manager = NDManager.newBaseManager("PyTorch")) {
            Block block = new SequentialBlock()
                    .add(Linear.builder().setUnits(512).build())
                    .add(Activation::relu)
                    .add(Linear.builder().setUnits(512).build())
                    .add(Activation::relu)
                    .add(Linear.builder().setUnits(1).build());
            model.setBlock(block);
            ArrayDataset data = new ArrayDataset.Builder()
                    .setData(manager.randomNormal(new Shape(4096, 64), DataType.FLOAT32))
                    .optLabels(manager.randomNormal(new Shape(4096, 1), DataType.FLOAT32))
                    .setSampling(32, false)
                    .build();
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss()))) {
                trainer.initialize(new Shape(32, 64));
                int steps = calibrate(trainer, data, seconds);
                measure(trainer, data, pairs, steps);
            }
        }
    }

    /** How many steps last so many seconds, once the loop is warm. */
    private static int calibrate(Trainer trainer, ArrayDataset data, double seconds) throws Exception {
        double warm = 0;
        while (warm < WARM_UP) {
            warm += train(trainer, data, CHUNK).elapsed();
        }
        return (int) Math.max(
                1, Math.round(CHUNK * seconds / train(trainer, data, CHUNK).elapsed()));
    }

    private static void measure(Trainer trainer, ArrayDataset data, int pairs, int steps) throws Exception {
        double[] elapsed = new double[pairs];
        double[] processor = new double[pairs];
        double[] own = new double[pairs];
        double[] idle = new double[pairs / 2];
        double shortest = Double.MAX_VALUE;
        Cost before = null;
        for (int i = 0; i < pairs; i++) {
            boolean first = i % 2 == 0;
            Cost a = first ? watched(trainer, data, steps) : train(trainer, data, steps);
            Cost b = first ? train(trainer, data, steps) : watched(trainer, data, steps);
            Cost with = first ? a : b;
            Cost without = first ? b : a;
            elapsed[i] = with.elapsed() / without.elapsed();
            processor[i] = with.processor() / without.processor();
            own[i] = with.monitor() / with.elapsed();
            shortest = Math.min(shortest, Math.min(a.elapsed(), b.elapsed()));
            if (first) {
                before = b;
            } else {
                idle[i / 2] = a.elapsed() / before.elapsed();
            }
            System.out.printf(
                    Locale.ROOT,
                    "pair %2d: with %.3f s, without %.3f s, ratio %.4f%n",
                    i + 1,
                    with.elapsed(),
                    without.elapsed(),
                    elapsed[i]);
        }
        System.out.printf(Locale.ROOT, "blocks of %d steps, the shortest %.2f s%n", steps, shortest);
        print("elapsed time, with to without", elapsed);
        print("processor time, with to without", processor);
        print("elapsed time, without to without (noise)", idle);
        print("monitor thread's processor time to elapsed time", own);
        double[] interval = interval(elapsed);
        double[] busy = interval(processor);
        Goal.print(
                "`monitor`: training with a monitor at 1 s to without, " + pairs + " pairs of blocks of "
                        + String.format(Locale.ROOT, "%.1f s and more", shortest),
                "≤ 1.01",
                String.format(
                        Locale.ROOT,
                        "ratio %.4f (95 %%: %.4f to %.4f), processor time %.4f (%.4f to %.4f); the monitor's thread took %.3f %%",
                        median(elapsed),
                        interval[0],
                        interval[1],
                        median(processor),
                        busy[0],
                        busy[1],
                        100 * median(own)),
                interval[0],
                interval[1],
                MOST);
    }

    private static void print(String what, double[] ratios) {
        double[] interval = interval(ratios);
        System.out.printf(
                Locale.ROOT,
                "%s: %.5f median of %d (95 %%: %.5f to %.5f)%n",
                what,
                median(ratios),
                ratios.length,
                interval[0],
                interval[1]);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
    }

    /** The median's 95 % interval: percentiles of the medians of 10 000 samples drawn from these with replacement. */
    private static double[] interval(double[] values) {
        Random random = new Random(1);
        double[] medians = new double[DRAWS];
        double[] drawn = new double[values.length];
        for (int draw = 0; draw < DRAWS; draw++) {
            for (int i = 0; i < drawn.length; i++) {
                drawn[i] = values[random.nextInt(values.length)];
            }
            medians[draw] = median(drawn);
        }
        Arrays.sort(medians);
        return new double[] {medians[(int) (0.025 * DRAWS)], medians[(int) (0.975 * DRAWS)]};
    }

    private record Cost(double elapsed, double processor, double monitor) {}

    private static Cost watched(Trainer trainer, ArrayDataset data, int steps) throws Exception {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        AtomicLong own = new AtomicLong();
        try (MemoryMonitor monitor = MemoryMonitor.every(MemoryMonitor.DEFAULT_INTERVAL)
                .onReading(reading -> own.set(threads.getCurrentThreadCpuTime()))) {
            monitor.start();
            Cost cost = train(trainer, data, steps);
            return new Cost(cost.elapsed(), cost.processor(), own.get() / 1e9);
        }
    }

    private static Cost train(Trainer trainer, ArrayDataset data, int steps) throws Exception {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        System.gc();
        long start = System.nanoTime();
        long busy = system.getProcessCpuTime();
        int left = steps;
        while (left > 0) {
            for (Batch batch : trainer.iterateDataset(data)) {
                if (left-- > 0) {
                    EasyTrain.trainBatch(trainer, batch);
                    trainer.step();
                }
                batch.close();
            }
        }
        return new Cost((System.nanoTime() - start) / 1e9, (system.getProcessCpuTime() - busy) / 1e9, 0);
    }
}

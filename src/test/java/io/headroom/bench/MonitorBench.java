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
import java.util.Arrays;
import java.util.Locale;

/** A training loop with and without a monitor at its default interval, in turn; the goal is a ratio of 1.01 in elapsed time (processor time is less disturbed by other programs). */
public final class MonitorBench {
    private MonitorBench() {}

    public static void main(String[] args) throws Exception {
        int pairs = args.length > 0 ? Integer.parseInt(args[0]) : 40;
        int epochs = args.length > 1 ? Integer.parseInt(args[1]) : 3;
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
                train(trainer, data, 3 * epochs);
                double[] elapsed = new double[pairs];
                double[] processor = new double[pairs];
                for (int i = 0; i < pairs; i++) {
                    boolean first = i % 2 == 0;
                    Cost a = first ? watched(trainer, data, epochs) : train(trainer, data, epochs);
                    Cost b = first ? train(trainer, data, epochs) : watched(trainer, data, epochs);
                    elapsed[i] = first ? a.elapsed() / b.elapsed() : b.elapsed() / a.elapsed();
                    processor[i] = first ? a.processor() / b.processor() : b.processor() / a.processor();
                }
                print("elapsed time", elapsed);
                print("processor time", processor);
            }
        }
    }

    private static void print(String what, double[] ratios) {
        Arrays.sort(ratios);
        int pairs = ratios.length;
        System.out.printf(
                Locale.ROOT,
                "monitor at its default interval, %s: ratio %.4f median of %d pairs (quartiles %.4f, %.4f; goal 1.01)%n",
                what,
                (ratios[pairs / 2] + ratios[(pairs - 1) / 2]) / 2,
                pairs,
                ratios[pairs / 4],
                ratios[pairs * 3 / 4]);
    }

    private record Cost(double elapsed, double processor) {}

    private static Cost watched(Trainer trainer, ArrayDataset data, int epochs) throws Exception {
        try (MemoryMonitor monitor = MemoryMonitor.every(MemoryMonitor.DEFAULT_INTERVAL)) {
            monitor.start();
            return train(trainer, data, epochs);
        }
    }

    private static Cost train(Trainer trainer, ArrayDataset data, int epochs) throws Exception {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        System.gc();
        long start = System.nanoTime();
        long busy = system.getProcessCpuTime();
        for (int epoch = 0; epoch < epochs; epoch++) {
            for (Batch batch : trainer.iterateDataset(data)) {
                EasyTrain.trainBatch(trainer, batch);
                trainer.step();
                batch.close();
            }
        }
        return new Cost((System.nanoTime() - start) / 1e9, (system.getProcessCpuTime() - busy) / 1e9);
    }
}

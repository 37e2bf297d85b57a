package io.headroom.bench;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.loss.Loss;
import io.headroom.budget.Estimate;
import io.headroom.memory.MemoryLimit;
import io.headroom.memory.Reading;
import io.headroom.training.HeadroomTrainer;
import io.headroom.training.Measurement;
import io.headroom.training.ShrinkingBatch;
import io.headroom.training.StepRunner;
import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What the remedies save and cost on this machine, measured: run with fixed malloc thresholds and a fixed heap.
 *
 * <pre>
 * MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=65536 java -Xms512m -Xmx512m -cp … io.headroom.bench.RemedyBench
 * </pre>
 *
 * <p>Case 5 at full size takes 8 GiB; {@code lora-part} runs 4 of its 24 equal layers in 2 GiB.
 */
public final class RemedyBench {
    private RemedyBench() {}

    public static void main(String[] arguments) {
        List<String> wanted = List.of(arguments);
        StepRunner.run(
                Workload.transformer().batch(1).seq(8).dModel(16).layers(1).training(OptimizerKind.ADAM));
        if (wanted.isEmpty() || wanted.contains("accumulation")) {
            accumulation();
        }
        if (wanted.isEmpty() || wanted.contains("checkpointing")) {
            checkpointing();
        }
        if (wanted.isEmpty() || wanted.contains("chunked")) {
            chunkedAttention();
        }
        if (wanted.isEmpty() || wanted.contains("shrinking")) {
            shrinkingBatch();
        }
        if (wanted.isEmpty() || wanted.contains("lora")) {
            lora(256, 24);
            lora(512, 24);
        }
        if (wanted.contains("lora-part")) {
            lora(256, 4);
            lora(512, 4);
        }
    }

    private static void checkpointing() {
        Workload plain = Workload.transformer()
                .batch(16)
                .seq(128)
                .heads(8)
                .dModel(256)
                .ff(1024)
                .layers(8)
                .dropout(0.1)
                .training(OptimizerKind.ADAM);
        Measurement[] both = fastest(plain, plain.checkpointing(8));
        Measurement before = both[0];
        Measurement after = both[1];
        Estimate estimate = Estimate.of(plain);
        long held = estimate.weightsBytes() + estimate.gradientsBytes() + estimate.optimizerBytes();
        print("gradient checkpointing, 8 segments of 8 layers", before, after);
        System.out.printf(
                Locale.ROOT,
                "  activations %s -> %s: %.0f %% saved (goal >= 50 %%) for %+.0f %% time (goal <= +40 %%)%n",
                Bytes.format(before.peakBytes() - held),
                Bytes.format(after.peakBytes() - held),
                100.0 * (before.peakBytes() - after.peakBytes()) / (before.peakBytes() - held),
                100.0 * (seconds(after) / seconds(before) - 1));
    }

    private static void chunkedAttention() {
        Workload eager = Workload.transformer()
                .batch(1)
                .seq(2048)
                .heads(8)
                .dModel(256)
                .ff(512)
                .layers(2)
                .dropout(0.1)
                .training(OptimizerKind.ADAM);
        Measurement[] both = fastest(eager, eager.attention(Attention.CHUNKED).with(Option.CHUNKS, 16L));
        Measurement before = both[0];
        Measurement after = both[1];
        Measurement one = StepRunner.run(eager.heads(1));
        double scores = (before.peakBytes() - one.peakBytes()) * 8.0 / 7;
        print("chunked attention, 16 chunks at seq 2048", before, after);
        System.out.printf(
                Locale.ROOT,
                "  scores take %s (from 8 heads against 1): %.0f %% of it saved (goal >= 80 %%), %+.0f %% time%n",
                Bytes.format((long) scores),
                100 * (before.peakBytes() - after.peakBytes()) / scores,
                100.0 * (seconds(after) / seconds(before) - 1));
    }

    private static void lora(long seq, long layers) {
        Workload full = Workload.transformer()
                .batch(1)
                .seq(seq)
                .heads(16)
                .dModel(1024)
                .ff(4096)
                .layers(layers)
                .training(OptimizerKind.ADAM);
        Measurement before = StepRunner.run(full);
        Measurement after = StepRunner.run(full.loraRank(8));
        print("LoRA rank 8 on case 5, seq " + seq + ", " + layers + " of 24 layers", before, after);
        System.out.printf(
                Locale.ROOT,
                "  %.1f %% below full fine-tuning's peak (goal >= 50 %%)%n",
                100.0 * (before.peakBytes() - after.peakBytes()) / before.peakBytes());
    }

    private static void shrinkingBatch() {
        Workload step = Workload.transformer()
                .batch(64)
                .nodes(5)
                .seq(80)
                .heads(8)
                .dModel(128)
                .layers(2)
                .features(7)
                .training(OptimizerKind.ADAM);
        long limit = Reading.now().rss().orElseThrow() + 600 * Bytes.MIB;
        long idle = Reading.now().rss().orElseThrow();
        MemoryLimit.measure(limit);
        try {
            ShrinkingBatch shrinking = ShrinkingBatch.from(64)
                    .predict(batch -> idle + Estimate.of(step.batch(batch)).upperBytes(), limit);
            Measurement fitted = shrinking.run(batch -> StepRunner.run(step.batch(batch)));
            System.out.printf(
                    Locale.ROOT,
                    "shrinking batch under %s: batch %d fits after %d failure(s) (goal <= 2), peak %s%n",
                    Bytes.format(limit),
                    shrinking.batch(),
                    shrinking.failures(),
                    Bytes.format(idle + fitted.peakBytes()));
            long largest = shrinking.batch();
            while (fits(step.batch(largest + 1))) {
                largest++;
            }
            System.out.printf(Locale.ROOT, "  the largest that really fits is %d%n", largest);
        } finally {
            MemoryLimit.lift();
        }
    }

    private static boolean fits(Workload workload) {
        try {
            StepRunner.run(workload);
            return true;
        } catch (RuntimeException e) {
            if (ShrinkingBatch.isOutOfMemory(e)) {
                return false;
            }
            throw e;
        }
    }

    private static void accumulation() {
        SequentialBlock block = new SequentialBlock();
        for (int i = 0; i < 4; i++) {
            block.add(Linear.builder().setUnits(64).build())
                    .add(LayerNorm.builder().build())
                    .add(Activation.geluBlock());
        }
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.l2Loss()).optDevices(new Device[] {Device.cpu()});
        try (NDManager manager = NDManager.newBaseManager(Device.cpu());
                Model model = Model.newInstance("accumulation", Device.cpu())) {
            model.setBlock(block);
            try (HeadroomTrainer trainer = HeadroomTrainer.of(model, config)) {
                trainer.initialize(new Shape(32, 64));
                NDArray data = manager.randomNormal(new Shape(32, 64));
                NDArray labels = manager.randomNormal(new Shape(32, 64));
                backward(trainer, data, labels);
                List<float[]> whole = gradients(block);
                trainer.discard();
                trainer.accumulate(4);
                for (int i = 0; i < 4; i++) {
                    backward(trainer, data.split(4).get(i), labels.split(4).get(i));
                }
                List<float[]> parts = gradients(block);
                double largest = 0;
                double difference = 0;
                for (int i = 0; i < whole.size(); i++) {
                    for (int j = 0; j < whole.get(i).length; j++) {
                        largest = Math.max(largest, Math.abs(whole.get(i)[j]));
                        difference = Math.max(difference, Math.abs(whole.get(i)[j] - parts.get(i)[j]));
                    }
                }
                System.out.printf(
                        Locale.ROOT,
                        "gradient accumulation 4 x 8 against 32: gradients differ by %.1e relative (goal <= 1e-5)%n",
                        difference / largest);
            }
        }
    }

    private static void backward(HeadroomTrainer trainer, NDArray data, NDArray labels) {
        try (GradientCollector collector = trainer.newGradientCollector()) {
            collector.backward(trainer.getLoss().evaluate(new NDList(labels), trainer.forward(new NDList(data))));
        }
    }

    private static List<float[]> gradients(SequentialBlock block) {
        List<float[]> all = new ArrayList<>();
        block.getParameters().values().stream()
                .filter(parameter -> parameter.requiresGradient())
                .forEach(parameter -> all.add(parameter.getArray().getGradient().toFloatArray()));
        return all;
    }

    /** The fastest of three runs each, taken in turns: a busy machine only ever adds time. */
    private static Measurement[] fastest(Workload before, Workload after) {
        Measurement[] best = {StepRunner.run(before), StepRunner.run(after)};
        for (int i = 0; i < 2; i++) {
            best[0] = faster(best[0], StepRunner.run(before));
            best[1] = faster(best[1], StepRunner.run(after));
        }
        return best;
    }

    private static Measurement faster(Measurement one, Measurement other) {
        return one.duration().compareTo(other.duration()) <= 0 ? one : other;
    }

    private static void print(String what, Measurement before, Measurement after) {
        System.out.printf(
                Locale.ROOT,
                "%s: peak %s -> %s (predicted %s -> %s), step %.2f -> %.2f s%n",
                what,
                Bytes.format(before.peakBytes()),
                Bytes.format(after.peakBytes()),
                Bytes.format(Estimate.of(before.workload()).deviceBytes()),
                Bytes.format(Estimate.of(after.workload()).deviceBytes()),
                seconds(before),
                seconds(after));
    }

    private static double seconds(Measurement measured) {
        return measured.duration().toNanos() / 1e9;
    }
}

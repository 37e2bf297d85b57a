package io.headroom.remedy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import io.headroom.budget.Estimate;
import io.headroom.memory.NativeTrim;
import io.headroom.memory.Reading;
import io.headroom.training.BucketSampler;
import io.headroom.training.Freezing;
import io.headroom.training.StepRunner;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Remedies beside a step's settings, each applied for real: what was predicted and what was saved; for a JVM of its own. */
public final class MeasuredRemedies {
    private static final Workload STEP = Workload.transformer()
            .batch(16)
            .seq(128)
            .heads(4)
            .dModel(256)
            .ff(512)
            .layers(2)
            .features(16)
            .training(OptimizerKind.ADAM);

    private MeasuredRemedies() {}

    public static void main(String[] wanted) {
        List<String> names = List.of(wanted);
        StepRunner.run(STEP.batch(1));
        if (names.contains("steps")) {
            narrower();
            frozen();
            bucketed();
        }
        if (names.contains("histories")) {
            histories();
        }
        if (names.contains("cache")) {
            cache();
        }
    }

    private static void narrower() {
        Remedy remedy = Remedies.width(128);
        long predicted = remedy.prediction(STEP, Reading.now("width")).bytes().orElseThrow();
        print("smaller width", predicted, peak(STEP) - peak(remedy.apply(STEP)));
    }

    private static void frozen() {
        SequentialBlock block = new SequentialBlock();
        for (int i = 0; i < 4; i++) {
            block.add(Linear.builder().setUnits(1024).build());
        }
        block.add(Linear.builder().setUnits(1).build());
        Workload step = Workload.of(block, new Shape(512, 1024), OptimizerKind.ADAM);
        long whole = Estimate.of(step).deviceBytes();
        long measured = peak(step);
        Freezing freezing = Freezing.allBut(block, block.getChildren().get(4).getKey());
        print("frozen block", whole - Estimate.of(step).deviceBytes(), measured - peak(step));
        freezing.undo();
        Workload sizes =
                Workload.mlp().batch(64).features(2048).dModel(2048).layers(4).training(OptimizerKind.ADAM);
        long predicted = Remedies.byName("frozen layers")
                .prediction(sizes, Reading.now("freezing"))
                .bytes()
                .orElseThrow();
        print("frozen layers", predicted, peak(sizes) - peak(sizes.frozenLayers(4)));
    }

    /** The largest batch of an epoch decides: padded to its longest where samples come as they are. */
    private static void bucketed() {
        Random random = new Random(5);
        int[] lengths =
                IntStream.range(0, 64).map(i -> 16 + random.nextInt(240)).toArray();
        List<List<Long>> mixed = new ArrayList<>();
        for (int from = 0; from < lengths.length; from += 16) {
            mixed.add(IntStream.range(from, from + 16).mapToObj(i -> (long) i).toList());
        }
        Workload padded = largest(mixed, lengths);
        Workload sorted = largest(BucketSampler.of(lengths, 1024).batches(), lengths);
        print(
                "bucketed sequences",
                Estimate.of(padded).deviceBytes() - Estimate.of(sorted).deviceBytes(),
                peak(padded) - peak(sorted));
    }

    private static Workload largest(List<List<Long>> batches, int[] lengths) {
        return batches.stream()
                .map(batch -> STEP.batch(batch.size())
                        .seq(batch.stream()
                                .mapToLong(i -> lengths[i.intValue()])
                                .max()
                                .orElseThrow()))
                .max(Comparator.comparingLong(step -> Estimate.of(step).deviceBytes()))
                .orElseThrow();
    }

    private static void histories() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            manager.setName("histories");
            List<NDArray> kept = new ArrayList<>();
            for (int i = 0; i < 256; i++) {
                kept.add(manager.ones(new Shape(256, 256), DataType.FLOAT64));
            }
            Reading before = Reading.now("float64");
            long predicted = Remedies.byName("float32 histories")
                    .prediction(STEP, before)
                    .bytes()
                    .orElseThrow();
            for (NDArray each : kept) {
                each.toType(DataType.FLOAT32, true);
                each.close();
            }
            NativeTrim.now();
            print("float32 histories", predicted, fell(before));
        }
    }

    /** Small arrays, as malloc takes them from its arenas, half of them closed. */
    private static void cache() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            NativeTrim.now();
            for (int i = 0; i < 12_000; i++) {
                NDArray freed = manager.ones(new Shape(8192));
                freed.setName("freed");
            }
            manager.getManagedArrays().stream()
                    .filter(array -> array.getShape().size() == 8192)
                    .skip(4)
                    .toList()
                    .forEach(NDArray::close);
            Reading before = Reading.now("freed");
            long predicted = Remedies.byName("emptied cache")
                    .prediction(STEP, before)
                    .bytes()
                    .orElseThrow();
            NativeTrim.now();
            print("emptied cache", predicted, fell(before));
        }
    }

    private static long fell(Reading before) {
        return before.rss().orElseThrow() - Reading.now().rss().orElseThrow();
    }

    private static long peak(Workload step) {
        return StepRunner.run(step).peakBytes();
    }

    private static void print(String remedy, long predicted, long measured) {
        System.out.println("saved\t" + remedy + "\t" + predicted + "\t" + measured);
    }
}

package io.headroom.training;

import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.LongStream;

/** Runs steps with frozen first layers and prints their names and peaks; for a JVM of its own with fixed malloc thresholds. */
public final class FrozenPeaks {
    private FrozenPeaks() {}

    public static void main(String[] none) {
        workloads().forEach((name, step) -> {
            StepRunner.run(step.batch(2));
            System.out.println("peak\t" + name + "\t" + median(step));
        });
    }

    /** Of five: while the JVM's compiler works, its memory, some 20 MiB, is in the peak or in what it is measured from. */
    static long median(Workload step) {
        return LongStream.range(0, 5)
                .map(time -> StepRunner.run(step).peakBytes())
                .sorted()
                .skip(2)
                .findFirst()
                .orElseThrow();
    }

    /** Tens to hundreds of MiB each. */
    public static Map<String, Workload> workloads() {
        Map<String, Workload> all = new LinkedHashMap<>();
        Workload transformer = Workload.transformer()
                .batch(16)
                .seq(64)
                .dModel(256)
                .heads(4)
                .ff(1024)
                .layers(4)
                .features(7)
                .training(OptimizerKind.ADAM);
        all.put("transformer, none", transformer);
        all.put("transformer, half", transformer.frozenLayers(2));
        all.put("transformer, all but the head", transformer.frozenLayers(4));
        all.put("cnn, none", Workload.cnn().batch(64).image(64).layers(3).training(OptimizerKind.SGD));
        all.put(
                "cnn",
                Workload.cnn().batch(64).image(64).layers(3).frozenLayers(2).training(OptimizerKind.SGD));
        Workload segments = Workload.mlp()
                .batch(32768)
                .dModel(256)
                .layers(4)
                .features(256)
                .accumulation(2)
                .training(OptimizerKind.SGD);
        all.put("three segments, none", segments.checkpointing(3));
        all.put("two segments, the first and more", segments.checkpointing(2).frozenLayers(3));
        return all;
    }
}

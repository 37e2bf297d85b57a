package io.headroom.training;

import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.List;

/** Runs steps that the grid does not hold and prints their peaks; for a JVM of its own with fixed malloc thresholds. */
public final class StepPeaks {
    private StepPeaks() {}

    public static void main(String[] arguments) {
        for (Workload step : steps()) {
            StepRunner.run(step.batch(1).accumulation(1));
            System.out.println("peak\t" + step + "\t" + StepRunner.run(step).peakBytes());
        }
    }

    /** Graph attention of several shapes, dropout between LSTM layers, LoRA in inference; tens of MiB each. */
    public static List<Workload> steps() {
        Workload graph = Workload.gat().nodes(300).features(64).training(OptimizerKind.ADAM);
        Workload small = graph.batch(64).nodes(25).features(128).dModel(128).dropout(0);
        Workload lstm = Workload.lstm().batch(256).seq(60).layers(3).dropout(0.3);
        Workload encoder = Workload.transformer().batch(32).seq(64).heads(4).dModel(128);
        return List.of(
                graph.batch(2),
                graph.nodes(900).dropout(0).heads(4),
                small.layers(4),
                small.nodes(60).layers(3).training(OptimizerKind.SGD),
                small.nodes(60).layers(4).checkpointing(4),
                small.nodes(60).layers(3).accumulation(4),
                small.nodes(60).layers(3).precision(Precision.AUTOCAST),
                graph.batch(4).inference(),
                lstm.training(OptimizerKind.ADAM),
                encoder.layers(3).ff(512).features(7).loraRank(64).inference());
    }
}

package io.headroom.bench;

import io.headroom.workload.Architecture;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32;

/** The steps that the budget is checked on, fixed before anything was tuned, and the half each belongs to. */
final class GridSteps {
    private static final Set<String> SWITCHES =
            Set.of("accumulation", "checkpointing", "lora_rank", "precision", "attention", "chunks");

    private GridSteps() {}

    static List<Workload> all() {
        List<Workload> steps = new ArrayList<>();
        transformers(steps);
        switchedOn(steps);
        others(steps);
        inHalf(steps);
        return steps;
    }

    /** Every other step by the hash of what it is: the reporting half is never looked at while tuning. */
    static boolean reporting(Workload step) {
        CRC32 hash = new CRC32();
        hash.update(step.toString().getBytes(StandardCharsets.UTF_8));
        return hash.getValue() % 2 == 0;
    }

    /** The step with what the grid switches on switched off again. */
    static Workload plain(Workload step) {
        if (step.architecture() != Architecture.TRANSFORMER || step.isInference()) {
            return step;
        }
        return all().stream()
                .filter(other -> other.toString().equals(without(step)))
                .findFirst()
                .orElse(step);
    }

    /** What the grid switches on in a step: {@code "lora_rank=8"}. */
    static String switchedOn(Workload step) {
        return Arrays.stream(step.toString().split(" "))
                .filter(word -> SWITCHES.contains(word.split("=")[0]))
                .collect(Collectors.joining(" "));
    }

    private static String without(Workload step) {
        return Arrays.stream(step.toString().split(" "))
                .filter(word -> !SWITCHES.contains(word.split("=")[0]))
                .collect(Collectors.joining(" "));
    }

    private static Workload encoder(long batch, long nodes, long seq, long heads, long width, long layers, long ff) {
        return Workload.transformer()
                .batch(batch)
                .nodes(nodes)
                .seq(seq)
                .heads(heads)
                .dModel(width)
                .layers(layers)
                .ff(ff)
                .features(7);
    }

    private static void transformers(List<Workload> steps) {
        steps.add(encoder(4, 8, 80, 8, 128, 2, 2048).training(OptimizerKind.ADAM));
        steps.add(encoder(4, 16, 80, 8, 128, 2, 2048).training(OptimizerKind.ADAM));
        steps.add(encoder(8, 12, 80, 8, 128, 2, 2048).training(OptimizerKind.SGD));
        steps.add(encoder(8, 25, 40, 8, 128, 2, 2048).training(OptimizerKind.ADAMW));
        steps.add(encoder(16, 8, 40, 4, 64, 3, 512).training(OptimizerKind.ADAM));
        steps.add(encoder(16, 12, 80, 8, 128, 2, 512).dropout(0).training(OptimizerKind.ADAM));
        steps.add(encoder(4, 6, 160, 8, 128, 2, 512).training(OptimizerKind.MOMENTUM));
        steps.add(encoder(2, 4, 320, 8, 128, 2, 512).training(OptimizerKind.ADAM));
        steps.add(encoder(2, 2, 512, 8, 128, 2, 1024).dropout(0).training(OptimizerKind.SGD));
        steps.add(encoder(2, 2, 400, 4, 64, 3, 256).training(OptimizerKind.ADAMW));
        steps.add(encoder(8, 4, 64, 8, 256, 4, 1024).training(OptimizerKind.ADAM));
        steps.add(encoder(4, 4, 96, 8, 256, 4, 1024).training(OptimizerKind.MOMENTUM));
        steps.add(encoder(8, 2, 128, 16, 256, 2, 1024).training(OptimizerKind.ADAMW));
        steps.add(encoder(2, 2, 128, 8, 512, 4, 2048).training(OptimizerKind.ADAM));
        steps.add(encoder(4, 2, 64, 8, 512, 3, 2048).training(OptimizerKind.SGD));
        steps.add(encoder(2, 1, 64, 8, 512, 4, 2048).training(OptimizerKind.ADAMW));
        steps.add(encoder(1, 1, 128, 16, 1024, 2, 4096).training(OptimizerKind.ADAM));
        steps.add(encoder(32, 8, 24, 4, 96, 2, 384).training(OptimizerKind.ADAM));
        steps.add(encoder(64, 5, 30, 6, 96, 2, 384).training(OptimizerKind.MOMENTUM));
        steps.add(encoder(12, 12, 48, 2, 64, 4, 256).dropout(0.3).training(OptimizerKind.ADAM));
        steps.add(encoder(6, 10, 100, 10, 80, 2, 320).training(OptimizerKind.SGD));
        steps.add(encoder(5, 15, 72, 12, 144, 1, 576).training(OptimizerKind.ADAMW));
        steps.add(encoder(4, 24, 80, 8, 128, 2, 2048).inference());
        steps.add(encoder(4, 12, 160, 8, 128, 3, 512).inference());
        steps.add(encoder(2, 8, 128, 8, 512, 4, 2048).inference());
        steps.add(encoder(16, 10, 50, 4, 64, 3, 1024).inference());
    }

    private static void switchedOn(List<Workload> steps) {
        Workload wide = encoder(8, 12, 80, 8, 128, 4, 512).training(OptimizerKind.ADAM);
        Workload deep = encoder(4, 8, 96, 8, 128, 6, 512).training(OptimizerKind.ADAMW);
        Workload narrow = encoder(16, 8, 64, 4, 64, 6, 256).training(OptimizerKind.SGD);
        for (Workload step : List.of(wide, deep, narrow)) {
            steps.add(step);
            steps.add(step.accumulation(2));
            steps.add(step.accumulation(4));
            steps.add(step.checkpointing(2));
            steps.add(step.checkpointing(4));
            steps.add(step.loraRank(8));
            steps.add(step.precision(Precision.AUTOCAST));
            steps.add(step.attention(Attention.CHUNKED).with(Option.CHUNKS, 4));
        }
        steps.add(deep.checkpointing(6));
        steps.add(wide.loraRank(32));
        steps.add(wide.seq(160).nodes(6).attention(Attention.CHUNKED).with(Option.CHUNKS, 8));
    }

    private static void others(List<Workload> steps) {
        Workload mlp = Workload.mlp();
        steps.add(mlp.batch(2048).dModel(2048).layers(3).training(OptimizerKind.ADAM));
        steps.add(mlp.batch(4096).dModel(1024).layers(4).training(OptimizerKind.SGD));
        steps.add(mlp.batch(256).dModel(3000).layers(3).features(1000).training(OptimizerKind.ADAMW));
        steps.add(mlp.batch(64).dModel(4096).layers(2).features(2048).training(OptimizerKind.MOMENTUM));
        steps.add(mlp.batch(8192).dModel(512).layers(6).dropout(0.2).training(OptimizerKind.ADAM));
        steps.add(mlp.batch(8192).dModel(1024).layers(4).inference());
        Workload cnn = Workload.cnn();
        steps.add(cnn.batch(64).dModel(32).layers(3).image(64).training(OptimizerKind.ADAM));
        steps.add(cnn.batch(32).dModel(64).layers(3).image(64).training(OptimizerKind.MOMENTUM));
        steps.add(cnn.batch(16).dModel(32).layers(4).image(128).training(OptimizerKind.SGD));
        steps.add(cnn.batch(128).dModel(16).layers(3).image(64).training(OptimizerKind.ADAMW));
        steps.add(cnn.batch(24).dModel(48).layers(2).image(96).training(OptimizerKind.ADAM));
        steps.add(cnn.batch(128).dModel(32).layers(3).image(64).inference());
        Workload lstm = Workload.lstm();
        steps.add(lstm.batch(256).seq(100).dModel(128).layers(1).training(OptimizerKind.ADAM));
        steps.add(lstm.batch(128).seq(200).dModel(128).layers(2).training(OptimizerKind.SGD));
        steps.add(lstm.batch(256).seq(80).dModel(256).layers(1).training(OptimizerKind.ADAMW));
        steps.add(lstm.batch(512).seq(60).dModel(64).layers(3).training(OptimizerKind.MOMENTUM));
        steps.add(lstm.batch(512).seq(100).dModel(128).layers(2).inference());
    }

    /** Weights in fp16, with the optimizers that run on them; small, since fp16 is slow on a CPU. */
    private static void inHalf(List<Workload> steps) {
        List<Workload> halves = List.of(
                encoder(16, 10, 50, 4, 64, 3, 1024).inference(),
                encoder(1, 1, 128, 16, 1024, 2, 4096).inference(),
                encoder(6, 10, 100, 10, 80, 2, 320).training(OptimizerKind.SGD),
                encoder(4, 6, 160, 8, 128, 2, 512).training(OptimizerKind.MOMENTUM),
                Workload.mlp().batch(8192).dModel(1024).layers(4).inference(),
                Workload.mlp().batch(4096).dModel(1024).layers(4).training(OptimizerKind.SGD),
                Workload.cnn().batch(128).dModel(32).layers(3).image(64).inference(),
                Workload.cnn().batch(48).dModel(8).layers(2).image(96).training(OptimizerKind.SGD));
        halves.forEach(step -> steps.add(step.precision(Precision.FP16)));
    }
}

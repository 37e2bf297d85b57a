package io.headroom.bench;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.headroom.memory.Breakdown;
import io.headroom.memory.EngineEnvironment;
import io.headroom.memory.Fork;
import io.headroom.memory.Reading;
import io.headroom.memory.Trend;
import io.headroom.model.LoadedModel;
import io.headroom.model.Models;
import io.headroom.model.ReleaseReport;
import io.headroom.model.SampleModels;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Load → predict → release, over and over: how far the resident set is from its start.
 *
 * <p>The start is after a warm-up with a small model, so that the JVM has loaded and compiled what it will. {@code
 * ReleaseBench [torchscript|block] [SIZE] [REPEATS] [DIRECTORY]}; the goal is 2 % of the model's size after
 * each of 20 repeats of at least 1 GiB, and no trend.
 */
public final class ReleaseBench {
    private static final double MOST = 0.02;
    private static final int WARM = 150;
    private static final long SMALL = 2 * Bytes.MIB;

    private ReleaseBench() {}

    public static void main(String[] args) throws IOException {
        if (args.length == 3 && args[0].equals("write")) {
            write(Path.of(args[1]), Bytes.parse(args[2]));
            return;
        }
        String kind = args.length > 0 ? args[0] : "torchscript";
        long size = Bytes.parse(args.length > 1 ? args[1] : "1.1 GiB");
        int repeats = args.length > 2 ? Integer.parseInt(args[2]) : 20;
        Path directory = Path.of(args.length > 3 ? args[3] : "target/bench-models");
        System.out.println(EngineEnvironment.now());
        switch (kind) {
            case "torchscript" -> {
                Path small = SampleModels.torchScript(directory, "age", SMALL);
                Path file = SampleModels.torchScript(directory, "age", size);
                warmUp(() -> Models.load("age", small));
                measure("TorchScript", size, repeats, () -> Models.load("age", file));
            }
            case "block" -> {
                Path small = params(directory, SMALL);
                Path file = params(directory, size);
                warmUp(() -> Models.load("cancer", SampleModels.perceptron(SMALL), small));
                measure("DJL block", size, repeats, () -> Models.load("cancer", SampleModels.perceptron(size), file));
            }
            default -> {
                System.err.println("ReleaseBench: no such kind of model: " + kind + " (torchscript or block)");
                System.exit(2);
            }
        }
    }

    /** DJL saves through the heap, so another JVM with a large one writes the file. */
    private static Path params(Path models, long size) {
        Path directory = models.resolve(Bytes.format(size).replace(' ', '-'));
        Path file = directory.resolve("cancer-0000.params");
        if (!Files.exists(file)) {
            Fork.Result result = Fork.run(
                    ReleaseBench.class,
                    List.of("-Xmx" + (3 * (size / Bytes.MIB) + 64) + "m"),
                    "write",
                    directory.toString(),
                    Bytes.format(size));
            if (result.exit() != 0) {
                throw new IllegalStateException("The model was not written:\n" + result.output());
            }
        }
        return file;
    }

    private static void write(Path directory, long size) throws IOException {
        try (Model model = Model.newInstance("cancer", "PyTorch")) {
            Block block = SampleModels.perceptron(size);
            block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, SampleModels.FEATURES));
            model.setBlock(block);
            model.save(directory, "cancer");
        }
    }

    /** Until the JVM has compiled what a release runs: its own growth by that is no model's. */
    private static void warmUp(Supplier<LoadedModel> load) {
        Reading before = Reading.now();
        for (int i = 0; i < WARM; i++) {
            once(load);
        }
        Reading after = Reading.now();
        System.out.printf(
                "warm-up, %d times a model of %s: process %s, of it compiled code and metaspace %s%n",
                WARM,
                Bytes.format(SMALL),
                Bytes.formatSigned(after.rss().orElseThrow() - before.rss().orElseThrow()),
                Bytes.formatSigned(after.jvm().nonHeapUsed() - before.jvm().nonHeapUsed()));
    }

    private static void measure(String kind, long size, int repeats, Supplier<LoadedModel> load) {
        once(load);
        long start = Reading.now().rss().orElseThrow();
        Breakdown first = Breakdown.now().orElseThrow();
        double worst = 0;
        double[] x = new double[repeats];
        double[] y = new double[repeats];
        for (int i = 0; i < repeats; i++) {
            ReleaseReport report = once(load);
            long off = report.after().rss().orElseThrow() - start;
            double share = off / (double) size;
            worst = Math.max(worst, Math.abs(share));
            x[i] = i;
            y[i] = off;
            System.out.printf(
                    Locale.ROOT,
                    "%s %2d: added %s, returned %s, off the start by %s = %+.2f %% of the model%n",
                    kind,
                    i + 1,
                    Bytes.format(report.added().orElseThrow()),
                    Bytes.format(report.returned().orElseThrow()),
                    Bytes.formatSigned(off),
                    100 * share);
        }
        Breakdown last = Breakdown.now().orElseThrow();
        System.out.printf(
                "where it is: heap %s, libraries %s, without a file %s%n",
                Bytes.formatSigned(last.javaHeap().orElse(0) - first.javaHeap().orElse(0)),
                Bytes.formatSigned(last.libraries() - first.libraries()),
                Bytes.formatSigned(last.anonymous() - first.anonymous()));
        Trend trend = Trend.of(x, y).orElse(null);
        String slope = trend == null
                ? "no trend from " + repeats + " repeats"
                : String.format(
                        Locale.ROOT,
                        "%s a repeat (99 %%: %s to %s), %s",
                        Bytes.formatSigned(Math.round(trend.slope())),
                        Bytes.formatSigned(Math.round(trend.low())),
                        Bytes.formatSigned(Math.round(trend.high())),
                        trend.grows() ? "a trend" : "no trend");
        Goal.print(
                "`release`: " + kind + " of " + Bytes.format(size) + ", load → predict → release, " + repeats
                        + " times",
                "within 2 %, no trend",
                String.format(Locale.ROOT, "worst %.2f %%; %s", 100 * worst, slope),
                worst <= MOST && (trend == null || !trend.grows()));
    }

    private static ReleaseReport once(Supplier<LoadedModel> load) {
        LoadedModel model = load.get();
        model.predict(new NDList(model.manager().ones(new Shape(16, SampleModels.FEATURES))))
                .singletonOrThrow()
                .toFloatArray();
        return model.release();
    }
}

package io.headroom.bench;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.EngineEnvironment;
import io.headroom.memory.Reading;
import io.headroom.memory.Trend;
import io.headroom.model.LoadedModel;
import io.headroom.model.Models;
import io.headroom.model.ReleaseReport;
import io.headroom.model.SampleModels;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Load → predict → release, over and over: how far the resident set is from its start.
 *
 * <p>{@code ReleaseBench DIRECTORY [SIZE] [REPEATS]}; the goal is 2 % of the model's size after each of 20 repeats of at
 * least 1 GiB, and no trend.
 */
public final class ReleaseBench {
    private ReleaseBench() {}

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args[0]);
        long size = Bytes.parse(args.length > 1 ? args[1] : "1.1 GiB");
        int repeats = args.length > 2 ? Integer.parseInt(args[2]) : 20;
        SampleModels.write(directory, size);
        System.out.println(EngineEnvironment.now());
        measure("TorchScript", repeats, () -> Models.load("age", directory.resolve("age.pt")));
        measure(
                "DJL block",
                repeats,
                () -> Models.load(
                        "cancer", SampleModels.perceptron(size / 2), directory.resolve("cancer-0000.params")));
    }

    private static void measure(String kind, int repeats, Supplier<LoadedModel> load) {
        once(load);
        long start = Reading.now().rss().orElseThrow();
        long weights = 0;
        double worst = 0;
        double[] x = new double[repeats];
        double[] y = new double[repeats];
        for (int i = 0; i < repeats; i++) {
            ReleaseReport report = once(load);
            weights = report.before().nativeHeap().used().orElse(0);
            long off = report.after().rss().orElseThrow() - start;
            double share = off / (double) report.added().orElseThrow();
            worst = Math.max(worst, Math.abs(share));
            x[i] = i;
            y[i] = off;
            System.out.printf(
                    Locale.ROOT,
                    "%s %2d: added %s, returned %s, off the start by %s = %+.2f %%%n",
                    kind,
                    i + 1,
                    Bytes.format(report.added().orElseThrow()),
                    Bytes.format(report.returned().orElseThrow()),
                    Bytes.formatSigned(off),
                    100 * share);
        }
        System.out.printf(
                Locale.ROOT,
                "%s: worst %.2f %% of the model (goal 2 %%); trend %s; malloc held %s at most%n",
                kind,
                100 * worst,
                Trend.of(x, y)
                        .map(trend -> String.format(
                                Locale.ROOT,
                                "%s a repeat (99 %%: %s to %s), %s",
                                Bytes.formatSigned(Math.round(trend.slope())),
                                Bytes.formatSigned(Math.round(trend.low())),
                                Bytes.formatSigned(Math.round(trend.high())),
                                trend.grows() ? "GROWS" : "none"))
                        .orElse("not known"),
                Bytes.format(weights));
    }

    private static ReleaseReport once(Supplier<LoadedModel> load) {
        LoadedModel model = load.get();
        model.predict(new NDList(model.manager().ones(new Shape(16, SampleModels.FEATURES))))
                .singletonOrThrow()
                .toFloatArray();
        return model.release();
    }
}

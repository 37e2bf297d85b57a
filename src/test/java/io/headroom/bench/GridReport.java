package io.headroom.bench;

import io.headroom.budget.Estimate;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * Compares estimates with the measured peaks of {@link BudgetGrid}: {@code GridReport [--all] measured.tsv …}.
 *
 * <p>Prints the tuning half's rows; those of the reporting half only with {@code --all}.
 */
public final class GridReport {
    private record Row(Workload step, Estimate estimate, long measured) {
        double error() {
            return (double) estimate.deviceBytes() / measured - 1;
        }

        boolean missed() {
            return measured > estimate.upperBytes();
        }
    }

    private GridReport() {}

    public static void main(String[] args) throws IOException {
        boolean all = args[0].equals("--all");
        for (String file : all ? Arrays.copyOfRange(args, 1, args.length) : args) {
            Map<String, Long> peaks = BudgetGrid.read(Path.of(file));
            List<Row> rows = new ArrayList<>();
            for (Workload step : GridSteps.all()) {
                if (peaks.containsKey(step.toString())) {
                    rows.add(new Row(step, Estimate.of(step), peaks.get(step.toString())));
                }
            }
            System.out.println("## " + Path.of(file).getFileName() + "\n");
            print(rows.stream()
                    .filter(row -> all || !GridSteps.reporting(row.step))
                    .toList());
            summary(rows.stream().filter(row -> !GridSteps.reporting(row.step)).toList(), "tuning half");
            if (all) {
                List<Row> reporting = rows.stream()
                        .filter(row -> GridSteps.reporting(row.step))
                        .toList();
                summary(reporting, "reporting half");
                peers(reporting);
            }
        }
    }

    private static void print(List<Row> rows) {
        System.out.println("| step | half | measured | estimate | error | upper bound |\n|---|---|---|---|---|---|");
        for (Row row : rows) {
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %s | %s | %s | %+.1f %% | %s%s |%n",
                    row.step,
                    GridSteps.reporting(row.step) ? "reporting" : "tuning",
                    Bytes.format(row.measured),
                    Bytes.format(row.estimate.deviceBytes()),
                    row.error() * 100,
                    Bytes.format(row.estimate.upperBytes()),
                    row.missed() ? " missed" : "");
        }
        System.out.println();
    }

    private static void summary(List<Row> rows, String name) {
        Map<String, Predicate<Row>> groups = new LinkedHashMap<>();
        groups.put("all", row -> true);
        for (Architecture kind :
                List.of(Architecture.TRANSFORMER, Architecture.MLP, Architecture.CNN, Architecture.LSTM)) {
            groups.put(kind.name().toLowerCase(Locale.ROOT), row -> row.step.architecture() == kind);
        }
        System.out.println(
                "| " + name + " | steps | median error | 95th percentile | above the bound |\n|---|---|---|---|---|");
        groups.forEach((label, in) -> {
            double[] errors = rows.stream()
                    .filter(in)
                    .mapToDouble(row -> Math.abs(row.error()))
                    .sorted()
                    .toArray();
            long missed = rows.stream().filter(in).filter(Row::missed).count();
            if (errors.length > 0) {
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %d | %.2f %% | %.2f %% | %d |%n",
                        label,
                        errors.length,
                        quantile(errors, 0.5) * 100,
                        quantile(errors, 0.95) * 100,
                        missed);
            }
        });
        System.out.println();
    }

    private static void peers(List<Row> rows) {
        Map<String, ToDoubleFunction<Row>> formulas = new LinkedHashMap<>();
        formulas.put("Headroom", row -> row.estimate.deviceBytes());
        formulas.put("accelerate estimate-memory (4 W)", row -> 4.0 * row.estimate.weightsBytes());
        formulas.put("DeepSpeed ZeRO, one device (16 N + 4 N)", row -> 20.0 * row.estimate.parameters());
        formulas.put("EleutherAI cookbook", GridReport::eleuther);
        formulas.put("Korthikanti et al. + 16 N", row -> 16.0 * row.estimate.parameters() + korthikanti(row.step));
        System.out.println("| formula, training steps of transformers | median error |\n|---|---|");
        formulas.forEach((name, formula) -> {
            double[] errors = rows.stream()
                    .filter(row -> row.step.architecture() == Architecture.TRANSFORMER && !row.step.isInference())
                    .mapToDouble(row -> Math.abs(formula.applyAsDouble(row) / row.measured - 1))
                    .sorted()
                    .toArray();
            System.out.printf(Locale.ROOT, "| %s | %.1f %% |%n", name, quantile(errors, 0.5) * 100);
        });
        System.out.println();
    }

    /** N·(4 weights + 4 gradients + 12 AdamW) + s·b·h·L·((16p + 2) + (2p + 1)·a·s/h). */
    private static double eleuther(Row row) {
        return 20.0 * row.estimate.parameters() + activations(row.step);
    }

    /** s·b·h·L·(66 + 9·a·s/h) in fp32, half of 34 + 5 in half precision. */
    private static double korthikanti(Workload w) {
        double tokens = (double) w.sequences() * w.seq();
        return w.precision() == Precision.FP32
                ? activations(w)
                : tokens * w.layers() * (34.0 * w.dModel() + 5.0 * w.heads() * w.seq());
    }

    private static double activations(Workload w) {
        double p = w.precision().activationBytes();
        double tokens = (double) w.sequences() * w.seq();
        return tokens * w.layers() * ((16 * p + 2) * w.dModel() + (2 * p + 1) * w.heads() * w.number(Option.SEQ));
    }

    private static double quantile(double[] sorted, double share) {
        return sorted.length == 0
                ? Double.NaN
                : sorted[(int) Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
    }
}

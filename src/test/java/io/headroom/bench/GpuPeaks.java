package io.headroom.bench;

import io.headroom.budget.cuda.CudaEstimate;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Scores the estimates and four published tools on measured training peaks and prints the table of docs/gpu.md.
 *
 * <p>Run with the path of measured-peaks.csv. A model whose name has an odd first SHA-256 byte is for tuning, the rest for
 * reporting; the rule was fixed before any constant was set. The bound was set with all rows in view: only rows that are not
 * in this file can test it.
 */
public final class GpuPeaks {
    private static final List<String> TOOLS = List.of("headroom", "xMem", "DNNMem", "SchedTune", "LLMem");

    private static final double OUTLIER = 5;

    private GpuPeaks() {}

    /** One measured run: the truth, our estimate and bound, and what the others answered (NaN where they failed). */
    private record Row(
            String model,
            String optimizer,
            long batch,
            double truth,
            double upper,
            double roomy,
            double need,
            double[] answers) {
        boolean image() {
            return Preset.named(model).image() != null;
        }

        boolean reporting() {
            return !tuning(model);
        }

        double error(int tool) {
            return 100 * (answers[tool] - truth) / truth;
        }

        /** The same with an estimate that does not know the card. */
        Row withoutCard() {
            double[] others = answers.clone();
            others[0] = roomy;
            return new Row(model, optimizer, batch, truth, upper, roomy, need, others);
        }
    }

    /** Prints the table for the file named by the first argument. */
    public static void main(String[] arguments) throws IOException {
        List<Row> rows = new ArrayList<>();
        long start = System.nanoTime();
        for (String line :
                Files.readAllLines(Path.of(arguments[0])).stream().skip(1).toList()) {
            rows.add(row(line.split(",", -1)));
        }
        double milliseconds = (System.nanoTime() - start) / 1e6 / rows.size();
        print("rows for reporting", rows, Row::reporting);
        print("rows for reporting, Transformers", rows, row -> row.reporting() && !row.image());
        print("rows for reporting, CNNs (one model)", rows, row -> row.reporting() && row.image());
        List<Row> reporting = rows.stream().filter(Row::reporting).toList();
        groups("model, rows for reporting", reporting, Row::model);
        groups("optimizer, rows for reporting", reporting, Row::optimizer);
        print("rows for tuning", rows, row -> !row.reporting());
        print("all rows", rows, row -> true);
        print("all rows, Transformers", rows, row -> !row.image());
        print("all rows, CNNs", rows, Row::image);
        List<Row> roomy = rows.stream().map(Row::withoutCard).toList();
        print("all rows, the card not told", roomy, row -> true);
        print("all rows, CNNs, the card not told", roomy, Row::image);
        groups("model", rows, Row::model);
        groups("optimizer", rows, Row::optimizer);
        System.out.printf(
                Locale.ROOT,
                "%nThe bound's form and widths were set with all of these rows in view: its misses here are a fit, no test.%n"
                        + "%n%.1f ms an estimate, mean of %d, JVM start and warm-up within%n",
                milliseconds,
                rows.size());
        bound(rows);
        outliers(rows);
        if (arguments.length > 1) {
            rows.forEach(row -> System.out.printf(
                    Locale.ROOT,
                    "%-42s %-9s %4d %6.0f %6.0f %+5.1f %% upper %6.0f%n",
                    row.model(),
                    row.optimizer(),
                    row.batch(),
                    row.truth(),
                    row.answers()[0],
                    row.error(0),
                    row.upper()));
        }
    }

    private static void outliers(List<Row> rows) {
        System.out.println("\nRows further off than 5 %:\n");
        System.out.println("| model | optimizer | batch | measured MiB | ours | error |");
        System.out.println("|---|---|---|---|---|---|");
        rows.stream()
                .filter(row -> Math.abs(row.error(0)) > OUTLIER)
                .sorted(Comparator.comparingDouble(row -> row.error(0)))
                .forEach(row -> System.out.printf(
                        Locale.ROOT,
                        "| %s | %s | %d | %.0f | %.0f | %+.1f %% |%n",
                        row.model(),
                        row.optimizer(),
                        row.batch(),
                        row.truth(),
                        row.answers()[0],
                        row.error(0)));
    }

    private static Row row(String[] cells) {
        String model = cells[0];
        boolean small = model.startsWith("MobileNetV3") || model.equals("MnasNet");
        ZeroGrad zero = cells[10].contains("zero_grad_mode=2") ? ZeroGrad.AFTER_STEP : ZeroGrad.BEFORE_FORWARD;
        CudaStep.Builder step = CudaStep.of(Preset.named(model, small ? 10 : 1000))
                .optimizer(OptimizerKind.valueOf(cells[1].toUpperCase(Locale.ROOT)))
                .batch(Long.parseLong(cells[2]))
                .image(86)
                .zeroGrad(zero);
        CudaEstimate roomy = step.build().estimate();
        CudaEstimate estimate = step.card(card(cells[3])).build().estimate();
        double[] answers = new double[TOOLS.size()];
        answers[0] = estimate.deviceBytes() / (double) Bytes.MIB;
        for (int tool = 1; tool < answers.length; tool++) {
            String cell = cells[4 + tool];
            answers[tool] = cell.isEmpty() ? Double.NaN : Double.parseDouble(cell);
        }
        return new Row(
                model,
                cells[1],
                Long.parseLong(cells[2]),
                Double.parseDouble(cells[4]),
                estimate.upperBytes() / (double) Bytes.MIB,
                roomy.deviceBytes() / (double) Bytes.MIB,
                need(estimate, Double.parseDouble(cells[4])),
                answers);
    }

    /** How much of its slack a row uses up: at 1 the bound is just met. */
    private static double need(CudaEstimate estimate, double truthMib) {
        return (truthMib * Bytes.MIB - estimate.deviceBytes()) / (estimate.upperBytes() - estimate.deviceBytes());
    }

    /** The width that the rows for tuning need, and what widths made of it alone would have missed of the rows for reporting. */
    private static void bound(List<Row> rows) {
        System.out.println(
                "\n| kind | rows for tuning | the width in use is | rows for reporting | missed with the width in use"
                        + " | with half more than the tuning rows need | with just what they need |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (boolean image : new boolean[] {false, true}) {
            List<Row> kind = rows.stream().filter(row -> row.image() == image).toList();
            List<Row> tuned = kind.stream().filter(row -> !row.reporting()).toList();
            List<Row> reported = kind.stream().filter(Row::reporting).toList();
            double widest = tuned.stream().mapToDouble(Row::need).max().orElse(0);
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %d | %.1f times the widest need of these | %d | %s | %s | %s |%n",
                    image ? "CNNs" : "Transformers",
                    tuned.size(),
                    1 / widest,
                    reported.size(),
                    missedAt(reported, 1),
                    missedAt(reported, 1.5 * widest),
                    missedAt(reported, widest));
        }
        long misses = rows.stream().filter(row -> row.truth() > row.upper()).count();
        System.out.printf(
                Locale.ROOT,
                "%nWith %d misses of %d rows the rate is below %.1f %% at 95 %% confidence (rule of three), were they drawn at random.%n",
                misses,
                rows.size(),
                100 * (misses == 0 ? 3.0 : Double.NaN) / rows.size());
    }

    private static String missedAt(List<Row> rows, double width) {
        List<Row> missed = rows.stream().filter(row -> row.need() > width).toList();
        return missed.size()
                + missed.stream()
                        .map(row -> String.format(
                                Locale.ROOT, ": %s, %s, batch %d", row.model(), row.optimizer(), row.batch()))
                        .collect(Collectors.joining());
    }

    /** What PyTorch calls the card's total capacity; the A100 has room for all of its rows. */
    private static long card(String name) {
        if (name.contains("3060")) {
            return Bytes.parse("11.76 GiB");
        }
        return name.contains("4060") ? Bytes.parse("7.63 GiB") : 0;
    }

    private static boolean tuning(String model) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(model.getBytes(StandardCharsets.UTF_8));
            return (hash[0] & 1) == 1;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void groups(String title, List<Row> rows, Function<Row, String> key) {
        System.out.printf(
                "%n| %s | rows | median error %% | 90th percentile | below truth | upper missed | xMem median |%n",
                title);
        System.out.println("|---|---|---|---|---|---|---|");
        TreeMap<String, List<Row>> groups = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        rows.forEach(row -> groups.computeIfAbsent(key.apply(row), name -> new ArrayList<>())
                .add(row));
        groups.forEach((name, some) -> System.out.printf(
                Locale.ROOT,
                "| %s | %d | %.1f | %.1f | %.0f %% | %.0f %% | %.1f |%n",
                name,
                some.size(),
                quantile(some, 0, 0.5),
                quantile(some, 0, 0.9),
                below(some, 0),
                missed(some),
                quantile(some, 1, 0.5)));
    }

    private static void print(String title, List<Row> all, Predicate<Row> which) {
        List<Row> rows = all.stream().filter(which).toList();
        System.out.printf("%n%s (%d)%n%n", title, rows.size());
        System.out.println("| tool | answers | median error % | 90th percentile | below truth | upper missed |");
        System.out.println("|---|---|---|---|---|---|");
        for (int tool = 0; tool < TOOLS.size(); tool++) {
            int index = tool;
            List<Row> answered =
                    rows.stream().filter(row -> row.answers()[index] > 0).toList();
            if (answered.isEmpty()) {
                continue;
            }
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %d | %.1f | %.1f | %.0f %% | %s |%n",
                    TOOLS.get(tool),
                    answered.size(),
                    quantile(answered, tool, 0.5),
                    quantile(answered, tool, 0.9),
                    below(answered, tool),
                    tool == 0 ? String.format(Locale.ROOT, "%.1f %%", missed(answered)) : "none given");
        }
    }

    private static double quantile(List<Row> rows, int tool, double share) {
        double[] sorted = rows.stream()
                .mapToDouble(row -> Math.abs(row.error(tool)))
                .filter(error -> !Double.isNaN(error))
                .sorted()
                .toArray();
        if (sorted.length == 0) {
            return Double.NaN;
        }
        double place = share * (sorted.length - 1);
        int low = (int) place;
        int high = Math.min(low + 1, sorted.length - 1);
        return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
    }

    private static double below(List<Row> rows, int tool) {
        return 100.0 * rows.stream().filter(row -> row.error(tool) < 0).count() / rows.size();
    }

    private static double missed(List<Row> rows) {
        return 100.0 * rows.stream().filter(row -> row.truth() > row.upper()).count() / rows.size();
    }
}

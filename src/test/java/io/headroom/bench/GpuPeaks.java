package io.headroom.bench;

import io.headroom.budget.cuda.CudaEstimate;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.budget.cuda.PublishedPeaks;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
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
 * <p>The runs are those of {@link PublishedPeaks}. A model whose name has an odd first SHA-256 byte is for tuning, the rest for
 * reporting; the rule was fixed before any constant was set. The bound was set with all rows in view: only rows that are not
 * in this file can test it.
 */
public final class GpuPeaks {
    private static final List<String> TOOLS = PublishedPeaks.TOOLS;

    private static final double OUTLIER = 5;

    private GpuPeaks() {}

    /** One measured run: the truth, our estimate and bound, and what the others answered (NaN where they failed). */
    private record Row(
            String model,
            String optimizer,
            long batch,
            boolean image,
            boolean reporting,
            double truth,
            double upper,
            double roomy,
            double need,
            double[] answers) {
        double error(int tool) {
            return 100 * (answers[tool] - truth) / truth;
        }

        /** The same with an estimate that does not know the card. */
        Row withoutCard() {
            double[] others = answers.clone();
            others[0] = roomy;
            return new Row(model, optimizer, batch, image, reporting, truth, upper, roomy, need, others);
        }
    }

    /** Prints the tables, and each row where there is an argument. */
    public static void main(String[] arguments) {
        List<Row> rows = new ArrayList<>();
        long start = System.nanoTime();
        PublishedPeaks peaks = PublishedPeaks.all();
        double milliseconds = (System.nanoTime() - start) / 1e6 / peaks.runs().size();
        peaks.runs().forEach(run -> rows.add(row(run)));
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
        if (arguments.length > 0) {
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

    private static Row row(PublishedPeaks.Run run) {
        CudaStep step = run.step();
        double[] answers = new double[TOOLS.size()];
        for (int tool = 0; tool < answers.length; tool++) {
            Long answer = run.answers().get(TOOLS.get(tool));
            answers[tool] = answer == null ? Double.NaN : mebibytes(answer);
        }
        return new Row(
                step.model().name(),
                spelled(step.optimizer()),
                step.batch(),
                step.model().image() != null,
                !run.tunedOn(),
                mebibytes(run.measuredBytes()),
                mebibytes(run.estimate().upperBytes()),
                mebibytes(step.toBuilder().card(0).build().estimate().deviceBytes()),
                need(run.estimate(), run.measuredBytes()),
                answers);
    }

    /** As PyTorch spells it. */
    private static String spelled(OptimizerKind optimizer) {
        return switch (optimizer) {
            case ADAMW -> "AdamW";
            case RMSPROP -> "RMSprop";
            case SGD -> "SGD";
            default ->
                optimizer.name().charAt(0) + optimizer.name().substring(1).toLowerCase(Locale.ROOT);
        };
    }

    private static double mebibytes(long bytes) {
        return bytes / (double) Bytes.MIB;
    }

    /** How much of its slack a row uses up: at 1 the bound is just met. */
    private static double need(CudaEstimate estimate, long truth) {
        return (truth - estimate.deviceBytes()) / (double) (estimate.upperBytes() - estimate.deviceBytes());
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
                    tool == 0 ? "headroom" : TOOLS.get(tool),
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

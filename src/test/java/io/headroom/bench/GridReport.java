package io.headroom.bench;

import io.headroom.budget.Estimate;
import io.headroom.budget.Malloc;
import io.headroom.budget.MissRate;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * Compares estimates with the measured peaks of {@link BudgetGrid}: {@code GridReport [--all] measured.tsv …}, or {@code
 * GridReport --write docs/budget.md fixed.tsv default.tsv}.
 *
 * <p>Prints the tuning half's rows; those of the reporting half only with {@code --all}. Writing puts both measurements and
 * the savings of each remedy between the document's marks.
 */
public final class GridReport {
    private static final String BEGIN = "<!-- grid -->\n";
    private static final String END = "<!-- end of grid -->";

    static final Path MISS_RATES = Path.of("src/main/resources/io/headroom/budget/miss-rates.csv");

    record Row(Workload step, Estimate estimate, long measured) {
        double error() {
            return (double) estimate.deviceBytes() / measured - 1;
        }

        boolean missed() {
            return measured > estimate.upperBytes();
        }

        boolean reporting() {
            return GridSteps.reporting(step);
        }

        String text() {
            return step.toString().replace(" inference=false", "");
        }
    }

    private GridReport() {}

    public static void main(String[] args) throws IOException {
        if (args[0].equals("--write")) {
            List<Row> fixed = rows(Path.of(args[2]), Malloc.THRESHOLDS_FIXED);
            List<Row> asItComes = rows(Path.of(args[3]), Malloc.AS_IT_COMES);
            write(Path.of(args[1]), fixed, asItComes);
            Files.writeString(MISS_RATES, missRates(fixed, asItComes));
            return;
        }
        boolean all = args[0].equals("--all");
        for (String file : all ? Arrays.copyOfRange(args, 1, args.length) : args) {
            List<Row> rows = rows(Path.of(file), Malloc.here());
            StringBuilder text = new StringBuilder("## " + Path.of(file).getFileName() + "\n\n");
            print(text, rows.stream().filter(row -> all || !row.reporting()).toList());
            summary(text, rows.stream().filter(row -> !row.reporting()).toList(), "tuning half");
            if (all) {
                summary(text, rows.stream().filter(Row::reporting).toList(), "reporting half");
                peers(text, rows.stream().filter(Row::reporting).toList());
                savings(text, rows);
            }
            System.out.print(text);
        }
    }

    /** As the library reads it: the reporting half alone. */
    static String missRates(List<Row> fixed, List<Row> asItComes) {
        return "malloc,steps,missed\n" + missRate(Malloc.THRESHOLDS_FIXED, fixed)
                + missRate(Malloc.AS_IT_COMES, asItComes);
    }

    private static String missRate(Malloc malloc, List<Row> rows) {
        List<Row> reporting = rows.stream().filter(Row::reporting).toList();
        return malloc.name() + "," + reporting.size() + ","
                + reporting.stream().filter(Row::missed).count() + "\n";
    }

    static List<Row> rows(Path file, Malloc malloc) throws IOException {
        Map<String, Long> peaks = BudgetGrid.read(file);
        return GridSteps.all().stream()
                .filter(step -> peaks.containsKey(step.toString()))
                .map(step -> new Row(step, Estimate.of(step, malloc), peaks.get(step.toString())))
                .toList();
    }

    private static void write(Path document, List<Row> fixed, List<Row> asItComes) throws IOException {
        StringBuilder text = new StringBuilder();
        for (String half : List.of("reporting half", "tuning half")) {
            boolean reporting = half.startsWith("reporting");
            Predicate<Row> in = row -> row.reporting() == reporting;
            summary(text, fixed.stream().filter(in).toList(), half + ", thresholds fixed");
            summary(text, asItComes.stream().filter(in).toList(), half + ", malloc as it comes");
        }
        certainty(text, fixed, asItComes);
        peers(text, fixed.stream().filter(Row::reporting).toList());
        savings(text, fixed);
        Map<String, Row> others = new LinkedHashMap<>();
        asItComes.forEach(row -> others.put(row.text(), row));
        text.append(
                "| step | half | estimate | upper bound | measured, thresholds fixed | error | measured, malloc as it comes |"
                        + " error | upper bound there |\n|---|---|---|---|---|---|---|---|---|\n");
        for (Row row : fixed) {
            Row other = others.get(row.text());
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %s | %s | %s | %+.1f %%%s | %s | %+.1f %%%s | %s |%n",
                    row.text(),
                    row.reporting() ? "reporting" : "tuning",
                    Bytes.format(row.estimate.deviceBytes()),
                    Bytes.format(row.estimate.upperBytes()),
                    Bytes.format(row.measured),
                    row.error() * 100,
                    row.missed() ? " missed" : "",
                    Bytes.format(other.measured),
                    other.error() * 100,
                    other.missed() ? " missed" : "",
                    Bytes.format(other.estimate.upperBytes())));
        }
        String whole = Files.readString(document);
        int from = whole.indexOf(BEGIN);
        int to = whole.indexOf(END);
        if (from < 0 || to < from) {
            throw new IOException(document + " has no marks " + BEGIN.strip() + " and " + END);
        }
        Files.writeString(document, whole.substring(0, from) + BEGIN + "\n" + text + "\n" + whole.substring(to));
    }

    /** What so many steps above a bound say of all others, and how the closer bound would do where malloc is as it comes. */
    private static void certainty(StringBuilder text, List<Row> fixed, List<Row> asItComes) {
        MissRate rate = fixed.get(0).estimate.missRate().orElseThrow();
        Map<Workload, Estimate> closer = new LinkedHashMap<>();
        fixed.forEach(row -> closer.put(row.step, row.estimate));
        long beyond = asItComes.stream()
                .filter(row -> row.measured > closer.get(row.step).upperBytes())
                .count();
        text.append(String.format(
                Locale.ROOT,
                "%s steps above a bound leave it open, at 95 %% confidence, that up to %.0f %% of all such steps are. The bound of fixed"
                        + " thresholds, used with malloc as it comes, would be exceeded by %d of %d.%n%n",
                rate,
                Math.floor(rate.atMost() * 100 + 0.5),
                beyond,
                asItComes.size()));
    }

    private static void print(StringBuilder text, List<Row> rows) {
        text.append("| step | half | measured | estimate | error | upper bound |\n|---|---|---|---|---|---|\n");
        for (Row row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %s | %s | %+.1f %% | %s%s |%n",
                    row.text(),
                    row.reporting() ? "reporting" : "tuning",
                    Bytes.format(row.measured),
                    Bytes.format(row.estimate.deviceBytes()),
                    row.error() * 100,
                    Bytes.format(row.estimate.upperBytes()),
                    row.missed() ? " missed" : ""));
        }
        text.append('\n');
    }

    private static void summary(StringBuilder text, List<Row> rows, String name) {
        Map<String, Predicate<Row>> groups = new LinkedHashMap<>();
        groups.put("all", row -> true);
        for (Architecture kind :
                List.of(Architecture.TRANSFORMER, Architecture.MLP, Architecture.CNN, Architecture.LSTM)) {
            groups.put(kind.name().toLowerCase(Locale.ROOT), row -> row.step.architecture() == kind);
        }
        text.append(
                "| " + name + " | steps | median error | 95th percentile | above the bound |\n|---|---|---|---|---|\n");
        groups.forEach((label, in) -> {
            double[] errors = rows.stream()
                    .filter(in)
                    .mapToDouble(row -> Math.abs(row.error()))
                    .sorted()
                    .toArray();
            long missed = rows.stream().filter(in).filter(Row::missed).count();
            if (errors.length > 0) {
                text.append(String.format(
                        Locale.ROOT,
                        "| %s | %d | %.2f %% | %.2f %% | %d |%n",
                        label,
                        errors.length,
                        quantile(errors, 0.5) * 100,
                        quantile(errors, 0.95) * 100,
                        missed));
            }
        });
        text.append('\n');
    }

    /** What each switch saves on the step it is switched on, and what a smaller size does where all else is the same; both halves. */
    private static void savings(StringBuilder text, List<Row> rows) {
        Map<Workload, Row> byStep = new LinkedHashMap<>();
        rows.forEach(row -> byStep.put(row.step, row));
        int within = 0;
        int of = 0;
        text.append("| step | with | measured saving | predicted saving | error |\n|---|---|---|---|---|\n");
        for (Row row : rows) {
            Row plain = byStep.get(GridSteps.plain(row.step));
            if (plain != null && plain != row) {
                of++;
                within += saving(text, plain, row, GridSteps.switchedOn(row.step)) ? 1 : 0;
            }
        }
        for (Row large : rows) {
            for (Row small : rows) {
                Optional<Option> size = onlyDifference(large.step, small.step);
                if (size.isPresent() && small.step.number(size.get()) < large.step.number(size.get())) {
                    of++;
                    String with = size.get().key() + "=" + small.step.number(size.get());
                    within += saving(text, large, small, with) ? 1 : 0;
                }
            }
        }
        text.append(String.format("%n%d of %d savings are predicted within 10 %%.%n%n", within, of));
    }

    private static boolean saving(StringBuilder text, Row before, Row after, String with) {
        long saved = before.measured - after.measured;
        long predicted = before.estimate.deviceBytes() - after.estimate.deviceBytes();
        double error = (double) (predicted - saved) / Math.abs(saved);
        text.append(String.format(
                Locale.ROOT,
                "| %s | %s | %s | %s | %+.1f %% |%n",
                before.text(),
                with,
                signed(saved),
                signed(predicted),
                error * 100));
        return Math.abs(error) <= 0.10;
    }

    /** The one size in which two steps differ. */
    private static Optional<Option> onlyDifference(Workload one, Workload other) {
        return Stream.of(Option.BATCH, Option.NODES, Option.SEQ, Option.D_MODEL)
                .filter(size -> one.has(size)
                        && other.has(size)
                        && !one.equals(other)
                        && one.with(size, 7).equals(other.with(size, 7)))
                .findFirst();
    }

    private static String signed(long bytes) {
        return bytes < 0 ? "−" + Bytes.format(-bytes) : Bytes.format(bytes);
    }

    private static void peers(StringBuilder text, List<Row> rows) {
        Map<String, ToDoubleFunction<Row>> formulas = new LinkedHashMap<>();
        formulas.put("Headroom", row -> row.estimate.deviceBytes());
        formulas.put("accelerate estimate-memory (4 W)", row -> 4.0 * row.estimate.weightsBytes());
        formulas.put("DeepSpeed ZeRO, one device (16 N + 4 N)", row -> 20.0 * row.estimate.parameters());
        formulas.put("EleutherAI cookbook", GridReport::eleuther);
        formulas.put("Korthikanti et al. + 16 N", row -> 16.0 * row.estimate.parameters() + korthikanti(row.step));
        formulas.put("torchinfo (input + weights + 2 × outputs)", GridReport::torchinfo);
        text.append("| formula, training steps of transformers | median error |\n|---|---|\n");
        formulas.forEach((name, formula) -> {
            double[] errors = rows.stream()
                    .filter(row -> row.step.architecture() == Architecture.TRANSFORMER && !row.step.isInference())
                    .mapToDouble(row -> Math.abs(formula.applyAsDouble(row) / row.measured - 1))
                    .sorted()
                    .toArray();
            text.append(String.format(Locale.ROOT, "| %s | %.1f %% |%n", name, quantile(errors, 0.5) * 100));
        });
        text.append('\n');
    }

    /** Input, weights and twice the outputs of the layers that have weights, all in fp32: attention's scores have none. */
    private static double torchinfo(Row row) {
        Workload w = row.step;
        double tokens = (double) w.sequences() * w.seq();
        double outputs = w.layers() * (7.0 * w.dModel() + w.ff()) + w.dModel() + w.outputs();
        return row.estimate.weightsBytes() + 4 * tokens * w.features() + 2 * 4 * tokens * outputs;
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

package io.headroom.budget.cuda;

import io.headroom.units.Bytes;
import io.headroom.workload.preset.Preset;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * Training peaks that others measured on real GPUs, beside what is estimated here and what four tools said of the same runs.
 *
 * <p>84 runs of the evaluation published with xMem (github.com/Stone-ResearchLife/xMem, MIT licence): PyTorch 2.6,
 * transformers 4.51.3, texts of up to 128 tokens, images of 86 × 86, peaks as the driver counts them, above the CUDA context.
 * How far rules were chosen with these very runs in view is told in docs/gpu.md.
 *
 * <pre>{@code
 * PublishedPeaks peaks = PublishedPeaks.of("gpt2");
 * peaks.median("ours");       // OptionalDouble[0.3]: the median of |error| in percent
 * peaks.median("xMem");
 * }</pre>
 *
 * <p>Immutable; sizes are bytes; estimating takes some milliseconds a run.
 */
public record PublishedPeaks(List<Run> runs) {
    /** Whose estimates stand beside the measured peaks, ours first. */
    public static final List<String> TOOLS = List.of("ours", "xMem", "DNNMem", "SchedTune", "LLMem");

    private static final String FILE = "published-peaks.csv";
    private static final int ANSWERS = 7;

    /**
     * One run.
     *
     * @param step the run, on its card
     * @param measuredBytes the peak as the driver counted it
     * @param estimate ours
     * @param answers what each of {@link #TOOLS} said in bytes, without those that gave no answer
     */
    public record Run(CudaStep step, long measuredBytes, CudaEstimate estimate, Map<String, Long> answers) {
        public Run {
            answers = Map.copyOf(answers);
        }

        /** Whether rules were tuned on runs of this model: the first byte of its name's SHA-256 is odd. */
        public boolean tunedOn() {
            try {
                byte[] hash = MessageDigest.getInstance("SHA-256")
                        .digest(step.model().name().getBytes(StandardCharsets.UTF_8));
                return (hash[0] & 1) == 1;
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        }

        /** Whether the measured peak is above our upper bound. */
        public boolean missed() {
            return measuredBytes > estimate.upperBytes();
        }

        /** How far a tool was off, in percent of the measured peak; negative where it was below; empty without an answer. */
        public OptionalDouble error(String tool) {
            Long answer = answers.get(tool);
            return answer == null
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(100.0 * (answer - measuredBytes) / measuredBytes);
        }
    }

    public PublishedPeaks {
        runs = List.copyOf(runs);
    }

    /** All runs. */
    public static PublishedPeaks all() {
        return new PublishedPeaks(lines().stream().map(PublishedPeaks::run).toList());
    }

    /**
     * The runs of one model.
     *
     * @throws IllegalArgumentException if there is no such model, or nobody published a run of it; the message lists those with runs
     */
    public static PublishedPeaks of(String preset) {
        String name = Preset.named(preset).name();
        List<String[]> found = lines().stream()
                .filter(cells -> Preset.named(cells[0]).name().equals(name))
                .toList();
        if (found.isEmpty()) {
            throw new IllegalArgumentException("no published run of \"" + name + "\"; there are runs of "
                    + lines().stream().map(cells -> cells[0]).distinct().collect(Collectors.joining(", ")) + ".");
        }
        return new PublishedPeaks(found.stream().map(PublishedPeaks::run).toList());
    }

    /** The median of a tool's absolute errors in percent, over the runs that it answered; empty if none. */
    public OptionalDouble median(String tool) {
        double[] errors = runs.stream()
                .map(run -> run.error(tool))
                .filter(OptionalDouble::isPresent)
                .mapToDouble(error -> Math.abs(error.getAsDouble()))
                .sorted()
                .toArray();
        int half = errors.length / 2;
        return errors.length == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(errors.length % 2 == 1 ? errors[half] : (errors[half - 1] + errors[half]) / 2);
    }

    /** How many runs went above the upper bound. */
    public long missed() {
        return runs.stream().filter(Run::missed).count();
    }

    private static List<String[]> lines() {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(PublishedPeaks.class.getResourceAsStream(FILE), FILE),
                StandardCharsets.UTF_8))) {
            return lines.lines().skip(2).map(line -> line.split(",", -1)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Run run(String[] cells) {
        Map<String, Object> spec = new HashMap<>(Map.of(
                "preset", cells[0],
                "optimizer", cells[1],
                "batch", Integer.valueOf(cells[2]),
                "card", cells[4],
                "zero_grad", cells[5]));
        if (Preset.named(cells[0]).image() != null) {
            spec.put("image", 86);
            spec.put("classes", Integer.valueOf(cells[3]));
        }
        CudaStep step = CudaSpec.read(spec);
        CudaEstimate estimate = step.estimate();
        Map<String, Long> answers = new LinkedHashMap<>();
        answers.put(TOOLS.get(0), estimate.deviceBytes());
        for (int tool = 1; tool < TOOLS.size(); tool++) {
            String cell = cells[ANSWERS + tool - 1];
            if (!cell.isEmpty()) {
                answers.put(TOOLS.get(tool), mebibytes(cell));
            }
        }
        return new Run(step, mebibytes(cells[ANSWERS - 1]), estimate, answers);
    }

    private static long mebibytes(String cell) {
        return Math.round(Double.parseDouble(cell) * Bytes.MIB);
    }

    /** A line for each run, then the medians. */
    @Override
    public String toString() {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "%-28s %-9s %5s %10s", "model", "optimizer", "batch", "measured")
                + TOOLS.stream().map(tool -> String.format("%11s", tool)).collect(Collectors.joining())
                + "  our bound");
        for (Run run : runs) {
            lines.add(String.format(
                            Locale.ROOT,
                            "%-28s %-9s %5d %10s",
                            run.step().model().name(),
                            run.step().optimizer(),
                            run.step().batch(),
                            Bytes.format(run.measuredBytes()))
                    + TOOLS.stream()
                            .map(tool -> String.format("%11s", percent(run.error(tool), true)))
                            .collect(Collectors.joining())
                    + (run.missed() ? "  missed" : "  holds"));
        }
        lines.add(String.format("%-55s", "median of the errors, without their signs")
                + TOOLS.stream()
                        .map(tool -> String.format("%11s", percent(median(tool), false)))
                        .collect(Collectors.joining()));
        return String.join("\n", lines);
    }

    /** An error in percent as tables have it, with its sign or without one; a dash where there is none. */
    public static String percent(OptionalDouble error, boolean signed) {
        return error.isEmpty() ? "–" : String.format(Locale.ROOT, signed ? "%+.1f %%" : "%.1f %%", error.getAsDouble());
    }
}

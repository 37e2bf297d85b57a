package io.headroom.diagnosis;

import io.headroom.oom.Labelled;
import io.headroom.oom.Log;
import io.headroom.oom.OutOfMemory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Measures the diagnosis against the labelled messages, and its speed, and writes {@code docs/diagnosis.md}. */
public final class DiagnosisReport {
    private static final String LINE =
            "2024-08-21 22:56:04,123 INFO trainer - epoch 12 step 4512 loss 0.3345 memory allocated 12.34 GiB cuda:0 12.3 it/s\n";
    private static final String DENSE = LINE
            + "RuntimeError: CUDA out of memory. Tried to allocate 512.00 MiB (GPU 0; 15.78 GiB total capacity; 14.20 GiB already"
            + " allocated; 300.75 MiB free; 14.32 GiB reserved in total by PyTorch)\n";
    private static final long LOG_BYTES = 1L << 30;
    private static final long DENSE_BYTES = 1L << 27;

    private DiagnosisReport() {}

    public static void main(String[] args) throws IOException {
        List<Labelled> all = Labelled.all();
        List<Labelled> failures =
                all.stream().filter(each -> !each.backend().equals("none")).toList();
        List<Labelled> near =
                all.stream().filter(each -> each.backend().equals("none")).toList();
        List<Labelled> told = failures.stream().filter(Labelled::isFromThread).toList();
        StringBuilder out = new StringBuilder();
        out.append(
                "# How well errors are read and explained\n\nMeasured by `kernel/bench diagnosis`, which writes this file. Rows"
                        + " come from public threads and local runs;\ncauses are labels, by what the thread found or by the"
                        + " message alone. The rules were written with these rows in view, so that\nunseen messages are read less"
                        + " well. Confidence is a rank set with each rule, no frequency: the second table sets it beside outcomes.\n\n| measure | result | goal |\n|---|---|---|\n");
        row(out, "every stated figure exact", all, DiagnosisReport::fieldsRight, "≥ 99 %");
        row(out, "backend", all, DiagnosisReport::backendRight, "≥ 99 %");
        row(out, "near misses not called out of memory", near, DiagnosisReport::backendRight, "all");
        row(out, "cause, where the thread told it", told, DiagnosisReport::causeRight, "≥ 85 %");
        row(out, "cause, all labels", failures, DiagnosisReport::causeRight, "–");
        row(out, "confidently wrong (confidence > 0.8)", failures, DiagnosisReport::sureAndWrong, "≤ 2 %");
        out.append(String.format(Locale.ROOT, "| parsing one message | %.0f µs | ≤ 100 µs |\n", micros(all)));
        out.append(String.format(
                Locale.ROOT, "| through a log | %.0f MB/s | ≥ 200 MB/s |\n", megabytesPerSecond(LINE, LOG_BYTES)));
        out.append(String.format(
                Locale.ROOT,
                "| through a log whose every other line is such an error | %.0f MB/s | ≥ 20 MB/s |\n",
                megabytesPerSecond(DENSE, DENSE_BYTES)));
        out.append(String.format(
                Locale.ROOT,
                "| through such errors in a single line | %.0f MB/s | ≥ 20 MB/s |\n",
                megabytesPerSecond(DENSE.replace('\n', ' '), DENSE_BYTES / 8)));
        out.append(String.format(
                Locale.ROOT,
                "| through a few words over and over in a single line | %.0f MB/s | ≥ 10 MB/s |\n",
                Math.min(
                        megabytesPerSecond("Java heap space, ", DENSE_BYTES / 8),
                        megabytesPerSecond("exit code 137 ", DENSE_BYTES / 8))));
        out.append(String.format(
                Locale.ROOT,
                "| 1 GB in a single line, in a heap of %1$d MiB | %2$.1f s | read at all |\n"
                        + "| a log of 5 GB, in a heap of %1$d MiB | %3$.1f s | read at all |\n",
                Runtime.getRuntime().maxMemory() >> 20,
                1e9 / 1e6 / megabytesPerSecond(LINE.strip() + " ", 1_000_000_000L),
                5e9 / 1e6 / megabytesPerSecond(LINE, 5_000_000_000L)));
        threads(out);
        out.append("\n## Confidence against outcome\n\n| confidence | messages | cause agrees |\n|---|---|---|\n");
        double[] bounds = {0, 0.45, 0.6, 0.7, 0.8, 1};
        for (int i = 0; i + 1 < bounds.length; i++) {
            double low = bounds[i];
            double high = bounds[i + 1];
            List<Labelled> in = failures.stream()
                    .filter(each -> diagnosis(each)
                            .filter(found -> found.confidence() > low && found.confidence() <= high)
                            .isPresent())
                    .toList();
            out.append(String.format(
                    Locale.ROOT,
                    "| %.2f – %.2f | %d | %s |\n",
                    low,
                    high,
                    in.size(),
                    share(in, DiagnosisReport::causeRight)));
        }
        out.append(
                "\n## Where the label says otherwise\n\n| message | label | said | confidence | the label rests on |\n"
                        + "|---|---|---|---|---|\n");
        failures.stream()
                .filter(each -> !causeRight(each))
                .forEach(each -> out.append(String.format(
                        Locale.ROOT,
                        "| %s | %s | %s | %.2f | %s |\n",
                        each.id(),
                        each.cause(),
                        diagnosis(each).map(found -> found.cause().label()).orElse("–"),
                        diagnosis(each).map(Diagnosis::confidence).orElse(0.0),
                        each.evidence().replace("|", "/"))));
        Path file = Path.of(args.length > 0 ? args[0] : "docs/diagnosis.md");
        if (file.getParent() != null) {
            Files.createDirectories(file.getParent());
        }
        Files.writeString(file, out.toString());
        System.out.print(out);
    }

    private static void threads(StringBuilder out) {
        List<Labelled> all = Labelled.threads();
        List<Labelled> failures =
                all.stream().filter(each -> !each.backend().equals("none")).toList();
        List<Labelled> near =
                all.stream().filter(each -> each.backend().equals("none")).toList();
        out.append(
                "\n## Further threads\n\nA development set (`src/test/resources/io/headroom/oom/threads.jsonl`, each row with its"
                        + " source): rules were written after\nreading these rows, so that their figures say what is held, not how unseen"
                        + " messages are read.\n\n| measure | result | goal |\n|---|---|---|\n");
        row(out, "every stated figure exact", all, DiagnosisReport::fieldsRight, "–");
        row(out, "backend", all, DiagnosisReport::backendRight, "–");
        row(out, "near misses not called out of memory", near, DiagnosisReport::backendRight, "all");
        row(out, "cause, all labels", failures, DiagnosisReport::causeRight, "–");
        row(out, "confidently wrong (confidence > 0.8)", failures, DiagnosisReport::sureAndWrong, "≤ 2 %");
    }

    private static void row(
            StringBuilder out, String name, List<Labelled> rows, Predicate<Labelled> right, String goal) {
        out.append("| ")
                .append(name)
                .append(" | ")
                .append(share(rows, right))
                .append(" | ")
                .append(goal)
                .append(" |\n");
    }

    private static String share(List<Labelled> rows, Predicate<Labelled> right) {
        long count = rows.stream().filter(right).count();
        return rows.isEmpty()
                ? "–"
                : String.format(Locale.ROOT, "%d of %d (%.1f %%)", count, rows.size(), 100.0 * count / rows.size());
    }

    private static boolean fieldsRight(Labelled each) {
        Map<String, Long> read =
                OutOfMemory.read(each.message()).map(OutOfMemory::fields).orElse(Map.of());
        return new TreeMap<>(read).equals(each.fields());
    }

    private static boolean backendRight(Labelled each) {
        return OutOfMemory.read(each.message())
                .map(oom -> oom.backend().label())
                .orElse("none")
                .equals(each.backend());
    }

    private static boolean causeRight(Labelled each) {
        return diagnosis(each)
                .filter(found -> found.cause().label().equals(each.cause()))
                .isPresent();
    }

    private static boolean sureAndWrong(Labelled each) {
        return !causeRight(each)
                && diagnosis(each).filter(found -> found.confidence() > 0.8).isPresent();
    }

    private static Optional<Diagnosis> diagnosis(Labelled each) {
        return Diagnosis.of(Log.read(each.message()), Situation.unknown());
    }

    private static double micros(List<Labelled> all) {
        List<Double> rounds = new ArrayList<>();
        for (int round = 0; round < 60; round++) {
            long start = System.nanoTime();
            for (Labelled each : all) {
                Log.read(each.message());
            }
            rounds.add((System.nanoTime() - start) / 1000.0 / all.size());
        }
        return rounds.stream().sorted().toList().get(rounds.size() / 4);
    }

    private static double megabytesPerSecond(String lines, long bytes) throws IOException {
        double best = 0;
        for (int round = 0; round < (bytes > LOG_BYTES ? 1 : 3); round++) {
            long start = System.nanoTime();
            Log.read(new Repeated(lines, bytes));
            best = Math.max(best, bytes / 1e6 / ((System.nanoTime() - start) / 1e9));
        }
        return best;
    }

    /** A training log of any size, without a file. */
    private static final class Repeated extends InputStream {
        private final byte[] block;
        private long left;
        private int at;

        Repeated(String lines, long bytes) {
            block = lines.repeat(500).getBytes(StandardCharsets.US_ASCII);
            left = bytes;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] into, int offset, int length) {
            if (left <= 0) {
                return -1;
            }
            int count = (int) Math.min(Math.min(length, left), block.length - at);
            System.arraycopy(block, at, into, offset, count);
            at = (at + count) % block.length;
            left -= count;
            return count;
        }
    }
}

package io.headroom.bench;

import io.headroom.remedy.Comparison;
import io.headroom.remedy.Comparison.Row;
import io.headroom.remedy.Remedies;
import io.headroom.remedy.Remedy;
import io.headroom.training.StepRunner;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What each remedy is predicted to save beside what it saves, on steps that really run; prints a Markdown table.
 *
 * <p>Goal: each prediction within 10 % of the measured saving. Where a remedy saves, or costs, less than a twentieth of the peak
 * the saving is a small difference of large numbers, and the error is given in percent of the peak instead.
 */
public final class SavingsReport {
    private static final double GOAL = 0.10;
    private static final double SMALL = 0.05;

    private SavingsReport() {}

    public static void main(String[] arguments) {
        List<String> wanted = List.of(arguments);
        System.out.println(
                "| step | remedy | measured | saved | predicted to save | error |\n|---|---|---|---|---|---|");
        int[] within = {0, 0};
        steps().forEach((name, step) -> {
            if (wanted.isEmpty() || wanted.contains(name)) {
                StepRunner.run(step.batch(1).accumulation(1));
                Comparison comparison = Comparison.of(step, remedies(step), title -> {});
                Row before = comparison.rows().get(0);
                comparison.rows().stream().skip(1).forEach(row -> print(name, before, row, within));
            }
        });
        System.out.printf("%n%d of %d within 10 %%%n", within[0], within[1]);
    }

    private static void print(String name, Row before, Row row, int[] within) {
        if (row.measured().isEmpty() || before.measured().isEmpty()) {
            System.out.printf(
                    "| %s | %s | | | | %s |%n",
                    name, row.title(), row.obstacle().orElse(""));
            return;
        }
        long saved = before.measuredBytes() - row.measuredBytes();
        long predicted = before.predictedBytes() - row.predictedBytes();
        boolean small = Math.abs(saved) < SMALL * before.measuredBytes();
        double error = (double) (predicted - saved) / (small ? before.measuredBytes() : Math.abs(saved));
        within[0] += Math.abs(error) <= GOAL ? 1 : 0;
        within[1]++;
        System.out.printf(
                Locale.ROOT,
                "| %s | %s | %s → %s | %s | %s | %+.1f %%%s |%n",
                name,
                row.title(),
                Bytes.format(before.measuredBytes()),
                Bytes.format(row.measuredBytes()),
                signed(saved),
                signed(predicted),
                error * 100,
                small ? " of the peak" : "");
    }

    private static String signed(long bytes) {
        return bytes < 0 ? "−" + Bytes.format(-bytes) : Bytes.format(bytes);
    }

    private static Map<String, Workload> steps() {
        Map<String, Workload> steps = new LinkedHashMap<>();
        steps.put("encoder", encoder(8, 8, 96, 128, 4, 512));
        steps.put("wide encoder", encoder(8, 1, 64, 512, 4, 2048).features(0));
        steps.put(
                "mlp",
                Workload.mlp().batch(8192).dModel(1024).layers(4).dropout(0.1).training(OptimizerKind.ADAM));
        steps.put("cnn", Workload.cnn().batch(64).image(64).dModel(32).layers(3).training(OptimizerKind.ADAM));
        steps.put(
                "lstm",
                Workload.lstm().batch(256).seq(100).dModel(128).layers(2).training(OptimizerKind.ADAM));
        return steps;
    }

    private static Workload encoder(long batch, long nodes, long seq, long width, long layers, long ff) {
        return Workload.transformer()
                .batch(batch)
                .nodes(nodes)
                .seq(seq)
                .heads(8)
                .dModel(width)
                .layers(layers)
                .ff(ff)
                .features(7)
                .training(OptimizerKind.ADAM);
    }

    private static List<Remedy> remedies(Workload step) {
        return List.of(
                        Remedies.batch(step.batch() / 2),
                        Remedies.batch(step.batch() / 8),
                        Remedies.accumulate(2),
                        Remedies.accumulate(4),
                        Remedies.checkpointing(2),
                        Remedies.checkpointing(step.layers()),
                        Remedies.chunkedAttention(8),
                        Remedies.halfPrecision(),
                        Remedies.lora(8),
                        Remedies.seq(step.seq() / 2),
                        Remedies.nodes(Math.max(1, step.nodes() / 2)),
                        Remedies.width(step.dModel() / 2))
                .stream()
                .filter(remedy -> remedy.appliesTo(step))
                .toList();
    }
}

package io.headroom.bench;

import io.headroom.training.Probe;
import io.headroom.units.Bytes;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Probes every few steps of the grid, small, and holds what it tells of them against their measured peaks: {@code ProbeReport
 * measured.tsv [every]}.
 *
 * <p>The probe is asked about the step at an eighth of its batch or nodes, and then about the step itself.
 */
public final class ProbeReport {
    private ProbeReport() {}

    public static void main(String[] args) throws IOException {
        Map<String, Long> peaks = BudgetGrid.read(Path.of(args[0]));
        int every = args.length > 1 ? Integer.parseInt(args[1]) : 5;
        List<Double> errors = new ArrayList<>();
        int missed = 0;
        System.out.println(
                "| step | measured small | measured | told | error | upper bound |\n|---|---|---|---|---|---|");
        List<Workload> steps = GridSteps.all();
        for (int i = 0; i < steps.size(); i += every) {
            Workload step = steps.get(i);
            Probe probe = Probe.of(part(step), 4 * Bytes.GIB, stage -> {});
            Probe.Projection told = probe.at(step);
            long measured = peaks.get(step.toString());
            double error = (double) told.expectedBytes() / measured - 1;
            errors.add(Math.abs(error));
            missed += measured > told.upperBytes() ? 1 : 0;
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %s | %s | %s | %+.1f %% | %s |%n",
                    step,
                    String.join(
                            ", ",
                            probe.steps().stream()
                                    .skip(1)
                                    .map(small -> small.sequences() + "×" + small.seq() + ": "
                                            + Bytes.format(small.peakBytes()))
                                    .toList()),
                    Bytes.format(measured),
                    Bytes.format(told.expectedBytes()),
                    error * 100,
                    Bytes.format(told.upperBytes()));
        }
        errors.sort(null);
        System.out.printf(
                Locale.ROOT,
                "%nmedian error %.1f %%, highest %.1f %%, above the bound %d of %d%n",
                errors.get(errors.size() / 2) * 100,
                errors.get(errors.size() - 1) * 100,
                missed,
                errors.size());
    }

    private static Workload part(Workload step) {
        return step.nodes() > 1
                ? step.nodes(Math.max(1, step.nodes() / 8))
                : step.batch(Math.max(step.number(Option.ACCUMULATION), step.batch() / 8));
    }
}

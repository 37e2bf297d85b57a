package io.headroom.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.budget.Estimate;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The estimates against peaks measured once and kept: the reporting half, under a fixed mmap threshold. */
class GridGoalsTest {
    @Test
    void theReportingHalfStaysWithinTheGoals() throws IOException {
        Map<String, Long> peaks = BudgetGrid.read(Path.of("src/test/resources/budget/measured-fixed.tsv"));
        List<Workload> steps =
                GridSteps.all().stream().filter(GridSteps::reporting).toList();
        assertThat(peaks).hasSizeGreaterThanOrEqualTo(60);
        assertThat(peaks.keySet())
                .containsAll(steps.stream().map(Workload::toString).toList());
        double[] errors = steps.stream()
                .mapToDouble(
                        step -> Math.abs((double) Estimate.of(step).deviceBytes() / peaks.get(step.toString()) - 1))
                .sorted()
                .toArray();
        long missed = steps.stream()
                .filter(step -> peaks.get(step.toString()) > Estimate.of(step).upperBytes())
                .count();
        assertThat(errors[errors.length / 2]).isLessThanOrEqualTo(0.02);
        assertThat(errors[(int) Math.ceil(0.95 * errors.length) - 1]).isLessThanOrEqualTo(0.06);
        assertThat((double) missed / steps.size()).isLessThanOrEqualTo(0.02);
    }
}

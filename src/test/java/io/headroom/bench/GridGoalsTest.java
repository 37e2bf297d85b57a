package io.headroom.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headroom.budget.Estimate;
import io.headroom.budget.Malloc;
import io.headroom.budget.MissRate;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The estimates against peaks measured once and kept: the reporting half, under a fixed mmap threshold. */
class GridGoalsTest {
    private static final Path FIXED = Path.of("src/test/resources/budget/measured-fixed.tsv");
    private static final Path AS_IT_COMES = Path.of("src/test/resources/budget/measured-default.tsv");

    @Test
    void theReportingHalfStaysWithinTheGoals() throws IOException {
        Map<String, Long> peaks = BudgetGrid.read(FIXED);
        List<Workload> steps =
                GridSteps.all().stream().filter(GridSteps::reporting).toList();
        assertThat(peaks).hasSizeGreaterThanOrEqualTo(60);
        assertThat(peaks.keySet())
                .containsAll(steps.stream().map(Workload::toString).toList());
        double[] errors = steps.stream()
                .mapToDouble(step -> Math.abs(
                        (double) Estimate.of(step, Malloc.THRESHOLDS_FIXED).deviceBytes() / peaks.get(step.toString())
                                - 1))
                .sorted()
                .toArray();
        long missed = steps.stream()
                .filter(step -> peaks.get(step.toString())
                        > Estimate.of(step, Malloc.THRESHOLDS_FIXED).upperBytes())
                .count();
        assertThat(errors[errors.length / 2]).isLessThanOrEqualTo(0.02);
        assertThat(errors[(int) Math.ceil(0.95 * errors.length) - 1]).isLessThanOrEqualTo(0.06);
        assertThat((double) missed / steps.size()).isLessThanOrEqualTo(0.02);
    }

    @Test
    void withMallocAsItComesTheBoundHoldsOnTheReportingHalfToo() throws IOException {
        assertThat(asItComes()).filteredOn(GridReport.Row::reporting).noneMatch(GridReport.Row::missed);
    }

    @Test
    void thatBoundIsTheLowestThatTheTuningHalfAllows() throws IOException {
        for (boolean convolutions : List.of(true, false)) {
            List<GridReport.Row> tuning = asItComes().stream()
                    .filter(row -> !row.reporting() && (row.step().architecture() == Architecture.CNN) == convolutions)
                    .toList();
            double needed = tuning.stream()
                    .mapToDouble(row -> (double) (row.measured() - 8 * Bytes.MIB)
                                    / row.estimate().deviceBytes()
                            - 1)
                    .max()
                    .orElseThrow();
            assertThat(tuning).extracting(row -> row.estimate().boundPercent()).containsOnly((int)
                    (5 * Math.ceil(needed * 20)));
        }
    }

    @Test
    void theRatesThatViewsTellAreThoseOfTheStoredPeaks() throws IOException {
        List<GridReport.Row> fixed = GridReport.rows(FIXED, Malloc.THRESHOLDS_FIXED);
        assertThat(Files.readString(GridReport.MISS_RATES)).isEqualTo(GridReport.missRates(fixed, asItComes()));
        MissRate rate = fixed.get(0).estimate().missRate().orElseThrow();
        assertThat(rate).hasToString("0 of 34");
        assertThat(rate.atMost()).isCloseTo(1 - Math.pow(0.05, 1.0 / 34), within(1e-9));
    }

    private static List<GridReport.Row> asItComes() throws IOException {
        return GridReport.rows(AS_IT_COMES, Malloc.AS_IT_COMES);
    }
}

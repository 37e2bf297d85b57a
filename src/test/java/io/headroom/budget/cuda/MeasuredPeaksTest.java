package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import io.headroom.workload.preset.Preset;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Estimates lie near the peaks that others measured on GPUs, and no peak above its bound. */
class MeasuredPeaksTest {
    private record Run(String model, boolean image, double truth, CudaEstimate estimate) {
        double error() {
            return 100 * Math.abs(estimate.deviceBytes() - truth) / truth;
        }
    }

    private static final List<Run> RUNS = new ArrayList<>();

    @BeforeAll
    static void estimate() throws IOException {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(MeasuredPeaksTest.class.getResourceAsStream("measured-peaks.csv")),
                StandardCharsets.UTF_8))) {
            lines.lines()
                    .skip(2)
                    .map(line -> line.split(","))
                    .map(MeasuredPeaksTest::run)
                    .forEach(RUNS::add);
        }
        assertThat(RUNS).hasSize(84);
    }

    private static Run run(String[] cells) {
        boolean image = Preset.named(cells[0]).image() != null;
        Map<String, Object> spec = new HashMap<>(Map.of(
                "preset", cells[0],
                "optimizer", cells[1],
                "batch", Integer.valueOf(cells[2]),
                "card", cells[4],
                "zero_grad", cells[5]));
        if (image) {
            spec.put("image", 86);
            spec.put("classes", Integer.valueOf(cells[3]));
        }
        return new Run(
                cells[0],
                image,
                Double.parseDouble(cells[6]) * Bytes.MIB,
                CudaSpec.read(spec).estimate());
    }

    private static double quantile(Predicate<Run> which, double share) {
        double[] sorted =
                RUNS.stream().filter(which).mapToDouble(Run::error).sorted().toArray();
        return sorted[(int) Math.ceil(share * sorted.length) - 1];
    }

    @Test
    void areNearInTheMiddle() {
        assertThat(quantile(run -> !run.image(), 0.5)).isLessThan(0.5);
        assertThat(quantile(Run::image, 0.5)).isLessThan(2.5);
    }

    @Test
    void areNearAtTheirNinetiethPercentile() {
        assertThat(quantile(run -> !run.image(), 0.9)).isLessThan(3);
        assertThat(quantile(Run::image, 0.9)).isLessThan(5);
    }

    @Test
    void areNearForEveryModel() {
        assertThat(RUNS.stream().map(Run::model).distinct())
                .allSatisfy(model -> assertThat(quantile(run -> run.model().equals(model), 0.5))
                        .isLessThan(4));
    }

    @Test
    void stayBelowTheirBounds() {
        assertThat(RUNS).allSatisfy(run -> assertThat(run.truth())
                .isLessThanOrEqualTo(run.estimate().upperBytes()));
    }
}

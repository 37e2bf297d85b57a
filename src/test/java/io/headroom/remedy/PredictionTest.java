package io.headroom.remedy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.headroom.budget.Estimate;
import io.headroom.memory.Fork;
import io.headroom.memory.Reading;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the remedies beside a step's settings are predicted to give back, and what they gave. */
class PredictionTest {
    private static final List<String> JVM = List.of("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC");
    private static final Map<String, String> FIXED =
            Map.of("MALLOC_MMAP_THRESHOLD_", "65536", "MALLOC_TRIM_THRESHOLD_", "65536");
    private static final Workload STEP = Workload.transformer()
            .batch(8)
            .seq(64)
            .heads(4)
            .dModel(64)
            .layers(4)
            .training(OptimizerKind.ADAM);

    @Test
    @EnabledOnOs(OS.LINUX)
    void aRemedyOfTheLayersTheDataOrTheHistoriesSavesWhatWasPredicted() {
        Fork.Result result = Fork.run(MeasuredRemedies.class, FIXED, JVM, "steps", "histories");
        assertThat(result.exit()).as(result.output()).isZero();
        assertSaved(result.output(), "smaller width", "frozen layers", "bucketed sequences", "float32 histories");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void anEmptiedCacheGivesBackWhatMallocKept() {
        Fork.Result result = Fork.run(
                MeasuredRemedies.class,
                Map.of("MALLOC_MMAP_THRESHOLD_", "67108864", "MALLOC_TRIM_THRESHOLD_", "1073741824"),
                JVM,
                "cache");
        assertThat(result.exit()).as(result.output()).isZero();
        assertSaved(result.output(), "emptied cache");
    }

    private static void assertSaved(String output, String... remedies) {
        for (String remedy : remedies) {
            String[] row = output.lines()
                    .filter(line -> line.startsWith("saved\t" + remedy + "\t"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no row of " + remedy + " in " + output))
                    .split("\t");
            long measured = Long.parseLong(row[3]);
            assertThat(measured).as(remedy).isPositive();
            assertThat(Long.parseLong(row[2]))
                    .as("%s, measured %d", remedy, measured)
                    .isCloseTo(measured, withPercentage(10));
        }
    }

    @Test
    void everyRemedyTellsBytesOrWhyNot() {
        Reading reading = Reading.now("now");
        for (Workload step : List.of(STEP, STEP.device("A100 40GB"), STEP.device("Mac 16GB"), STEP.inference())) {
            assertThat(Remedies.all()).allSatisfy(remedy -> {
                Prediction prediction = remedy.prediction(step, reading);
                assertThat(prediction.basis()).as(remedy.name()).isNotBlank();
                if (prediction.bytes().isPresent()) {
                    assertThat(prediction.bytes().getAsLong()).as(remedy.name()).isBetween(0L, Long.MAX_VALUE / 2);
                } else {
                    assertThat(prediction.toString()).startsWith("not told: ");
                }
            });
        }
    }

    @Test
    void whatTheBudgetTellsIsTheBudgets() {
        Reading reading = Reading.now("now");
        Estimate whole = Estimate.of(STEP);
        assertThat(told("frozen layers", STEP, reading))
                .isEqualTo((whole.gradientsBytes() + whole.optimizerBytes()) / 4 * 3);
        assertThat(told("copy instead of reference", STEP, reading))
                .isEqualTo(STEP.inputShape().size() * Float.BYTES);
        Workload onCard = STEP.device("A100 40GB");
        assertThat(told("CPU instead of the device", onCard, reading))
                .isEqualTo(Estimate.of(onCard).deviceBytes());
        assertThat(told("expandable segments", onCard, reading)).isPositive();
        assertThat(told("shrinking batch", STEP, reading)).as("all of it fits").isZero();
        assertThat(told("MPS high watermark", STEP.device("mps"), reading)).isZero();
        assertThat(Remedies.byName("expandable segments")
                        .prediction(STEP, reading)
                        .toString())
                .contains("not told: it does not apply");
    }

    private static long told(String remedy, Workload step, Reading reading) {
        return Remedies.byName(remedy).prediction(step, reading).bytes().orElseThrow();
    }
}

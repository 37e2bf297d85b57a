package io.headroom.remedy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.headroom.budget.Estimate;
import io.headroom.memory.Fork;
import io.headroom.memory.Reading;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
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
        assertSaved(
                result.output(),
                "smaller width",
                "frozen layers",
                "frozen block",
                "bucketed sequences",
                "float32 histories");
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

    /** Steps of one sample, so that the weights are nearly all there is: Adam's update works in five arrays of a weight's size. */
    @Test
    void frozenLayersGiveBackGradientsStateAndUpdateOfAllButTheHead() {
        Reading reading = Reading.now("now");
        Workload mlp =
                Workload.mlp().batch(1).features(1024).dModel(1024).layers(3).training(OptimizerKind.ADAM);
        long hidden = 1024 * 1024 + 1024;
        long head = 1024 * 10;
        assertThat(told("frozen layers", mlp, reading))
                .isCloseTo(12 * 3 * hidden + 5 * 4 * (1024 * 1024 - head), withPercentage(1));
        assertThat(told("frozen layers", mlp.frozenLayers(2), reading))
                .isCloseTo(12 * hidden + 5 * 4 * (1024 * 1024 - head), withPercentage(1));

        Workload cnn = Workload.cnn()
                .batch(1)
                .image(8)
                .features(3)
                .dModel(256)
                .layers(3)
                .training(OptimizerKind.ADAM);
        long convolutions = (3 * 256 + 256 * 512 + 512 * 1024) * 9 + 3 * (256 + 512 + 1024);
        long lastOrdered = 4 * 512 * 1024 * 9;
        assertThat(told("frozen layers", cnn, reading))
                .as("the last convolution's weights in oneDNN's order are needed frozen too")
                .isCloseTo(12 * convolutions + 5 * lastOrdered - lastOrdered, withPercentage(1));
    }

    @Test
    void frozenLayersAreNotToldWhereTheyAreNotEstimatedOrAllIsFrozen() {
        Reading reading = Reading.now("now");
        Workload tied = STEP.vocab(1000).with(Option.TIED, true);
        assertThat(Remedies.byName("frozen layers").prediction(tied, reading).toString())
                .contains("the head is tied");
        for (Workload step : List.of(
                Workload.lstm().training(OptimizerKind.ADAM),
                Workload.gat().training(OptimizerKind.ADAM),
                STEP.loraRank(8),
                STEP.frozenLayers(4),
                tied.frozenLayers(3),
                STEP.inference())) {
            assertThat(Remedies.byName("frozen layers")
                            .prediction(step, reading)
                            .toString())
                    .as("%s", step)
                    .startsWith("not told: ");
        }
    }

    private static long told(String remedy, Workload step, Reading reading) {
        return Remedies.byName(remedy).prediction(step, reading).bytes().orElseThrow();
    }
}

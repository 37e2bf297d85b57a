package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Sharding;
import io.headroom.workload.Workload;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.Phase;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** The peak by phase, by layer and by operator: other cuts of the same bytes. */
class BreakdownTest {
    private static final Workload TRANSFORMER =
            Workload.transformer().heads(8).dModel(128).features(7);
    private static final List<Workload> STEPS = List.of(
            TRANSFORMER,
            TRANSFORMER.features(0).vocab(20_000),
            TRANSFORMER.checkpointing(2),
            TRANSFORMER.precision(Precision.AUTOCAST),
            TRANSFORMER.loraRank(8),
            TRANSFORMER.zeroGrad(ZeroGrad.AFTER_STEP),
            TRANSFORMER.batch(64).accumulation(2),
            TRANSFORMER.with(Option.SHARDING, Sharding.ZERO3).with(Option.DEVICES, 4),
            TRANSFORMER.inference().vocab(1000).with(Option.NEW_TOKENS, 20),
            Workload.mlp(),
            Workload.cnn(),
            Workload.lstm(),
            Workload.gat());

    @Property(tries = 150)
    void eachCutSumsToThePeak(
            @ForAll @IntRange(max = 12) int at,
            @ForAll OptimizerKind optimizer,
            @ForAll @IntRange(min = 2, max = 64) int batch,
            @ForAll @IntRange(min = 2, max = 5) int layers) {
        Workload start = STEPS.get(at);
        Estimate estimate = Estimate.of((start.isInference() ? start : start.training(optimizer))
                .batch(Math.max(batch, start.isInference() ? 1 : start.accumulation()))
                .layers(layers));

        Breakdown breakdown = estimate.breakdown();

        for (List<Breakdown.Part> cut : List.of(breakdown.byLayer(), breakdown.byOperator())) {
            assertThat(cut.stream().mapToLong(Breakdown.Part::bytes).sum()).isEqualTo(estimate.peakAllocatedBytes());
            for (Kind kind : Kind.values()) {
                assertThat(cut.stream().mapToLong(part -> part.bytes(kind)).sum())
                        .isEqualTo(estimate.atPeak().get(kind));
            }
            assertThat(cut)
                    .extracting(Breakdown.Part::name)
                    .doesNotHaveDuplicates()
                    .doesNotContain("");
            assertThat(cut).isSortedAccordingTo((a, b) -> Long.compare(b.bytes(), a.bytes()));
        }
    }

    @Property(tries = 150)
    void thePeakIsThatOfThePhaseItFallsInto(
            @ForAll @IntRange(max = 12) int at,
            @ForAll OptimizerKind optimizer,
            @ForAll @IntRange(min = 2, max = 64) int batch) {
        Workload start = STEPS.get(at);
        Estimate estimate = Estimate.of((start.isInference() ? start : start.training(optimizer)).batch(batch));

        Map<Phase, Long> phases = estimate.peakByPhase();

        assertThat(phases.values().stream().mapToLong(Long::longValue).max()).hasValue(estimate.peakAllocatedBytes());
        Phase peak = phases.keySet().stream()
                .filter(phase -> phase.title().equals(estimate.peakPhase()))
                .findFirst()
                .orElseThrow();
        assertThat(phases.get(peak)).isEqualTo(estimate.peakAllocatedBytes());
        assertThat(phases.keySet())
                .containsExactlyElementsOf(
                        start.isInference() ? List.of(Phase.LOAD, Phase.FORWARD) : List.of(Phase.values()));
    }

    @Example
    void layersOfCaseTwoHoldTheirAttention() {
        Workload step = Workload.transformer()
                .batch(64)
                .nodes(25)
                .seq(80)
                .heads(8)
                .dModel(128)
                .layers(2)
                .features(7);
        Breakdown breakdown = Estimate.of(step).breakdown();
        long scores = 64L * 25 * 8 * 80 * 80 * 4;

        assertThat(breakdown.byLayer())
                .extracting(Breakdown.Part::name)
                .startsWith("layer 2", "layer 1")
                .contains("input", "head", "batch", "loss");
        assertThat(breakdown.byOperator())
                .filteredOn(part -> part.name().equals("attention · softmax"))
                .singleElement()
                .satisfies(part -> assertThat(part.bytes(Kind.ACTIVATIONS)).isEqualTo(2 * scores));
    }

    @Example
    void theLayersOfABlockHaveItsNames() {
        SequentialBlock block = new SequentialBlock()
                .add(Linear.builder().setUnits(512).build())
                .add(Activation::relu)
                .add(Linear.builder().setUnits(10).build());
        Breakdown breakdown = Estimate.of(Workload.of(block, new Shape(64, 784), OptimizerKind.ADAM))
                .breakdown();

        assertThat(breakdown.byLayer()).extracting(Breakdown.Part::name).contains("01Linear", "03Linear", "batch");
    }

    @Example
    void stackedLstmsAreLayersOfTheirOwn() {
        Breakdown breakdown = Estimate.of(Workload.lstm().layers(3)).breakdown();
        assertThat(breakdown.byLayer()).extracting(Breakdown.Part::name).contains("lstm 1", "lstm 2", "lstm 3");
    }
}

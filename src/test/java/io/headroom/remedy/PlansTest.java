package io.headroom.remedy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import io.headroom.budget.Estimate;
import io.headroom.remedy.Cost.Accuracy;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PlansTest {
    private static final Workload CASE2 = Workload.transformer()
            .batch(64)
            .nodes(25)
            .seq(80)
            .heads(8)
            .dModel(128)
            .layers(2)
            .features(7)
            .training(OptimizerKind.ADAM);

    @Test
    void aWorkloadThatFitsNeedsNothing() {
        Plan plan = Plans.cheapest(CASE2, 1L << 40).orElseThrow();
        assertThat(plan.remedies()).isEmpty();
        assertThat(plan.workload()).isEqualTo(CASE2);
        assertThat(plan.title()).isEqualTo("as it is");
    }

    @Test
    void theResultIsKeptAsLongAsThatIsEnough() {
        Plan plan = Plans.cheapest(CASE2, Bytes.parse("4 GiB")).orElseThrow();
        assertThat(plan.remedies()).isNotEmpty();
        assertThat(plan.cost().accuracy()).isEqualTo(Accuracy.SAME);
        assertThat(plan.how()).contains("MicroBatches");
    }

    @Test
    void whatCannotBeReachedIsAbsentAndTheSmallestIsTold() {
        assertThat(Plans.cheapest(CASE2, Bytes.MIB)).isEmpty();
        Plan smallest = Plans.smallest(CASE2);
        assertThat(Plans.cheapest(CASE2, smallest.estimate().upperBytes())).isPresent();
    }

    @Test
    void inferenceIsNotOfferedWhatOnlyTrainingHas() {
        Workload inference = CASE2.inference();
        long half = Estimate.of(inference).upperBytes() / 2;
        Plan plan = Plans.cheapest(inference, half).orElseThrow();
        assertThat(plan.fits(half)).isTrue();
        assertThat(plan.title()).doesNotContain("accumulation").doesNotContain("checkpointing");
    }

    @Test
    void everyArchitectureHasAFrontier() {
        for (Workload workload : List.of(
                CASE2,
                Workload.mlp().batch(4096).dModel(1024).layers(4).training(OptimizerKind.ADAM),
                Workload.cnn().batch(64).training(OptimizerKind.ADAM),
                Workload.lstm().batch(256).seq(128).training(OptimizerKind.ADAM))) {
            List<Plan> plans = Plans.frontier(workload).plans();
            assertThat(plans).as(workload.toString()).hasSizeGreaterThan(1);
            for (int i = 1; i < plans.size(); i++) {
                assertThat(plans.get(i).estimate().upperBytes())
                        .isLessThan(plans.get(i - 1).estimate().upperBytes());
            }
        }
    }

    @Test
    void eachSetupFitsItsMemory() {
        Setups setups = Plans.setups(CASE2, Plans.SIZES);
        assertThat(setups.rows()).hasSameSizeAs(Plans.SIZES).allSatisfy(row -> {
            assertThat(row.plan()).isPresent();
            assertThat(row.plan().orElseThrow().fits(row.bytes())).isTrue();
        });
        assertThat(setups.toTable().rowCount()).isEqualTo(Plans.SIZES.size());
    }

    @Test
    void aBlockOfYourOwnIsCheckpointedToo() {
        SequentialBlock block = new SequentialBlock();
        for (int i = 0; i < 12; i++) {
            block.add(Linear.builder().setUnits(64).build()).add(Activation.reluBlock());
        }
        Workload step = Workload.of(block, new Shape(1, 64), OptimizerKind.SGD).batch(97);
        Plan smallest = Plans.smallest(step);
        assertThat(Plans.cheapest(step, smallest.estimate().upperBytes())).isPresent();
        assertThat(Ladder.of(step))
                .flatExtracting(Ladder::rungs)
                .extracting(Remedy::name)
                .contains("gradient checkpointing", "gradient accumulation", "smaller batch")
                .doesNotContain("narrower model", "half precision", "LoRA");
    }

    @Test
    void aLimitMustBePositive() {
        assertThatThrownBy(() -> Plans.cheapest(CASE2, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("limit = 0");
    }

    @Property(tries = 200)
    void aPlanFitsAndCanSpareNoneOfItsRemedies(
            @ForAll @IntRange(min = 1, max = 96) int batch,
            @ForAll @IntRange(min = 1, max = 12) int layers,
            @ForAll @IntRange(min = 8, max = 512) int seq,
            @ForAll @IntRange(min = 5, max = 95) int percent) {
        Workload workload = Workload.transformer()
                .batch(batch)
                .seq(seq)
                .heads(4)
                .dModel(128)
                .layers(layers)
                .training(OptimizerKind.ADAM);
        long limit = Estimate.of(workload).upperBytes() * percent / 100;
        Optional<Plan> found = Plans.cheapest(workload, limit);
        if (found.isEmpty()) {
            assertThat(Plans.smallest(workload).fits(limit)).isFalse();
            return;
        }
        Plan plan = found.get();
        assertThat(plan.fits(limit)).isTrue();
        assertThat(Plan.of(workload, plan.remedies()).estimate().upperBytes())
                .isEqualTo(plan.estimate().upperBytes());
        for (Remedy spared : plan.remedies()) {
            List<Remedy> rest = new ArrayList<>(plan.remedies());
            rest.remove(spared);
            assertThat(Plan.of(workload, rest).fits(limit))
                    .as(plan.title() + " without " + spared.title())
                    .isFalse();
        }
    }
}

package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.OptionalLong;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class SolverTest {
    private static final Workload STEP = Workload.transformer()
            .batch(8)
            .nodes(4)
            .seq(80)
            .heads(8)
            .dModel(128)
            .layers(4)
            .features(7)
            .training(OptimizerKind.ADAM);
    private static final List<Workload> STEPS = List.of(
            STEP,
            STEP.accumulation(4).checkpointing(2),
            STEP.loraRank(20),
            STEP.inference(),
            Workload.mlp().batch(64).training(OptimizerKind.SGD),
            Workload.cnn().batch(8).training(OptimizerKind.ADAMW),
            Workload.lstm().batch(16).training(OptimizerKind.ADAM));

    @Property(tries = 150)
    void theLargestFitsAndTheNextDoesNot(
            @ForAll @IntRange(max = 6) int at,
            @ForAll @IntRange(max = 4) int which,
            @ForAll @LongRange(min = 1 << 20, max = 1L << 36) long limit) {
        Workload step = STEPS.get(at);
        Option option = List.of(Option.BATCH, Option.SEQ, Option.NODES, Option.D_MODEL, Option.LAYERS)
                .get(which);
        if (!step.architecture().has(option)) {
            return;
        }
        OptionalLong found = Solver.largest(step, option, limit);
        if (found.isEmpty()) {
            long least = Solver.smallest(step, option);
            assertThat(Estimate.of(step.with(option, least)).upperBytes()).isGreaterThan(limit);
            return;
        }
        long largest = found.getAsLong();
        long next = largest + (option == Option.D_MODEL && step.architecture().has(Option.HEADS) ? step.heads() : 1);
        assertThat(Estimate.of(step.with(option, largest)).upperBytes()).isLessThanOrEqualTo(limit);
        assertThat(fits(step.with(option, next), limit)).isFalse();
    }

    private static boolean fits(Workload step, long limit) {
        try {
            return Estimate.of(step).upperBytes() <= limit;
        } catch (IllegalArgumentException imageUsedUp) {
            return false;
        }
    }

    @Example
    void aBatchIsNeverSmallerThanItsMicroBatches() {
        assertThat(Solver.smallest(STEP.accumulation(4), Option.BATCH)).isEqualTo(4);
        assertThat(Solver.largestBatch(STEP.accumulation(4), Bytes.parse("1 GiB"))
                        .orElseThrow())
                .isGreaterThan(4);
        assertThat(Solver.largestBatch(STEP.accumulation(4), Bytes.MIB)).isEmpty();
    }

    @Example
    void theSmallestImageIsOneThatEveryLayerHalves() {
        Workload images = Workload.cnn().layers(3);
        long largest = Solver.largest(images, Option.IMAGE, Bytes.GIB).orElseThrow();
        assertThat(Estimate.of(images.with(Option.IMAGE, largest)).upperBytes()).isLessThanOrEqualTo(Bytes.GIB);
        assertThat(fits(images.with(Option.IMAGE, largest + 1), Bytes.GIB)).isFalse();
        assertThat(Solver.smallest(images, Option.IMAGE)).isEqualTo(8);
    }

    /** Adafactor keeps a row and a column of every 3 × 3 matrix of a convolution: two thirds of its weights. */
    @Example
    void adafactorOfConvolutions() {
        Estimate estimate = Estimate.of(Workload.cnn().training(OptimizerKind.ADAFACTOR));
        assertThat((double) estimate.optimizerBytes() / estimate.weightsBytes()).isBetween(0.64, 0.69);
        assertThat(OptimizerKind.ADAFACTOR.stateBytes(new long[] {64, 32, 3, 3}, 4))
                .isEqualTo(2 * 64 * 32 * 3 * 4);
        assertThat(OptimizerKind.ADAFACTOR.stateBytes(new long[] {64, 32}, 4)).isEqualTo((64 + 32) * 4);
        assertThat(OptimizerKind.ADAFACTOR.stateBytes(new long[] {64}, 4)).isEqualTo(64 * 4);
    }

    @Example
    void theSequenceStopsAtThePositionTable() {
        assertThat(Solver.largest(STEP.with(Option.POSITIONS, 96L), Option.SEQ, 1L << 40))
                .hasValue(96);
    }

    @Example
    void aLimitWithoutEndIsSearchedToWhereSizesCanStillBeCounted() {
        assertThat(Solver.largestBatch(STEP, Long.MAX_VALUE).orElseThrow()).isGreaterThan(1L << 32);
    }

    @Example
    void aWorkloadThatDoesNotHoldTogetherIsSaid() {
        assertThatThrownBy(() -> Solver.largestBatch(STEP.heads(7), 1L << 30))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("heads = 7");
    }
}

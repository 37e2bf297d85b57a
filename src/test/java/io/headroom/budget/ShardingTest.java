package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Sharding;
import io.headroom.workload.Workload;
import io.headroom.workload.step.Kind;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** What one of several devices holds. */
class ShardingTest {
    private static final Workload STEP = Workload.transformer()
            .batch(64)
            .seq(128)
            .heads(8)
            .dModel(512)
            .layers(6)
            .ff(2048)
            .vocab(8000)
            .training(OptimizerKind.ADAM);
    private static final Estimate WHOLE = Estimate.of(STEP);
    private static final long N = WHOLE.parameters();
    /** Rounding up of each array, and running statistics without a gradient. */
    private static final Offset<Long> NEAR = within(N * 4 / 500);

    @Test
    void zeroDividesStateThenGradientsThenWeights() {
        assertThat(WHOLE.weightsBytes()).isCloseTo(4 * N, NEAR);
        Estimate one = shared(Sharding.ZERO1, 8);
        assertThat(one.weightsBytes()).isEqualTo(WHOLE.weightsBytes());
        assertThat(one.gradientsBytes()).isEqualTo(WHOLE.gradientsBytes());
        assertThat(one.optimizerBytes()).isCloseTo(8 * N / 8, NEAR);
        Estimate two = shared(Sharding.ZERO2, 8);
        assertThat(two.weightsBytes()).isEqualTo(WHOLE.weightsBytes());
        assertThat(two.gradientsBytes()).isCloseTo(4 * N / 8, NEAR);
        assertThat(two.optimizerBytes()).isEqualTo(one.optimizerBytes());
        Estimate three = shared(Sharding.ZERO3, 8);
        assertThat(three.weightsBytes()).isCloseTo(4 * N / 8, NEAR);
        assertThat(three.gradientsBytes()).isEqualTo(two.gradientsBytes());
    }

    @Test
    void eachStageNeedsLessAndDataParallelMost() {
        long ddp = shared(Sharding.DDP, 8).deviceBytes();
        long one = shared(Sharding.ZERO1, 8).deviceBytes();
        long two = shared(Sharding.ZERO2, 8).deviceBytes();
        long three = shared(Sharding.ZERO3, 8).deviceBytes();
        assertThat(ddp).isGreaterThan(one);
        assertThat(one).isGreaterThan(two);
        assertThat(two).isGreaterThan(three);
        assertThat(WHOLE.deviceBytes()).isGreaterThan(ddp);
    }

    @Test
    void theBatchIsThatOfAllDevices() {
        Workload eighth = STEP.batch(8);
        assertThat(shared(Sharding.ZERO3, 8).activationsBytes())
                .isEqualTo(Estimate.of(eighth).activationsBytes());
        assertThat(shared(Sharding.TENSOR, 8).activationsBytes())
                .isGreaterThan(Estimate.of(eighth).activationsBytes());
    }

    @Test
    void oneDeviceSharesNothing() {
        for (Sharding kind : Sharding.values()) {
            assertThat(shared(kind, 1).deviceBytes()).as("%s", kind).isEqualTo(WHOLE.deviceBytes());
        }
    }

    @Test
    void tensorParallelDividesScoresAndFeedForwardNotNorms() {
        Workload step = STEP.seq(1024).batch(4);
        Estimate whole = Estimate.of(step);
        Estimate half = Estimate.of(step.with(Option.SHARDING, Sharding.TENSOR).with(Option.DEVICES, 2));
        Estimate eighth =
                Estimate.of(step.with(Option.SHARDING, Sharding.TENSOR).with(Option.DEVICES, 8));
        // linear in 1 / devices, as table 2 has it: a replicated part and a divided one
        double replicated = 2.0 * half.activationsBytes() - whole.activationsBytes();
        double divided = whole.activationsBytes() - replicated;
        assertThat((double) eighth.activationsBytes())
                .isCloseTo(replicated + divided / 8, within(0.01 * whole.activationsBytes()));
        assertThat(replicated).isBetween(0.0, 0.3 * whole.activationsBytes());
        assertThat((double) half.weightsBytes())
                .isCloseTo(whole.weightsBytes() / 2.0, within(0.02 * whole.weightsBytes()));
    }

    @Test
    void theLargestLayerIsWholeInStageThree() {
        long buffers = shared(Sharding.ZERO3, 64).atPeak().get(Kind.TEMPORARY);
        assertThat(buffers).isGreaterThanOrEqualTo(2L * 4 * 8000 * 512);
    }

    @Test
    void tiedEmbeddingsAreHeldOnce() {
        Estimate tied = Estimate.of(STEP.with(Option.TIED, true));
        assertThat(WHOLE.parameters() - tied.parameters()).isEqualTo(8000L * 512 + 8000);
        assertThat(tied.deviceBytes()).isLessThan(WHOLE.deviceBytes());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> STEP.vocab(0).with(Option.TIED, true).validate())
                .withMessageContaining("tied = true with vocab = 0");
    }

    @Test
    void whatCannotBeDividedIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> shared(Sharding.TENSOR, 3))
                .withMessageContaining("devices = 3")
                .withMessageContaining("heads = 8")
                .withMessageContaining("devices = 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.cnn()
                        .with(Option.SHARDING, Sharding.TENSOR)
                        .with(Option.DEVICES, 2)
                        .training(OptimizerKind.ADAM))
                .withMessageContaining("sharding = tensor")
                .withMessageContaining("zero3");
    }

    private static Estimate shared(Sharding kind, long devices) {
        return Estimate.of(STEP.with(Option.SHARDING, kind).with(Option.DEVICES, devices));
    }
}

package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Footprint;
import io.headroom.trace.Trace;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import io.headroom.workload.ZeroGrad;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** An estimate skips what cannot raise the peak; the trace of the same step, replayed whole, must come to the same. */
class EstimateTraceTest {
    private static final Workload TRANSFORMER =
            Workload.transformer().heads(8).dModel(128).features(7);
    private static final List<Workload> STEPS = List.of(
            TRANSFORMER,
            TRANSFORMER.features(0).vocab(20_000),
            TRANSFORMER.checkpointing(2),
            TRANSFORMER.precision(Precision.AUTOCAST),
            TRANSFORMER.loraRank(8),
            TRANSFORMER.zeroGrad(ZeroGrad.AFTER_STEP),
            TRANSFORMER.with(Option.FOREACH, true),
            TRANSFORMER.inference(),
            Workload.mlp(),
            Workload.cnn(),
            Workload.lstm());

    @Property(tries = 120)
    void aDevicesPeakIsThatOfTheWholeTrace(
            @ForAll @IntRange(max = 10) int at,
            @ForAll OptimizerKind optimizer,
            @ForAll @IntRange(min = 1, max = 64) int batch,
            @ForAll @IntRange(min = 2, max = 4) int layers,
            @ForAll @IntRange(min = 1, max = 12) int width) {
        Workload start = STEPS.get(at);
        Workload step = (start.isInference() ? start : start.training(optimizer))
                .batch(batch)
                .layers(layers)
                .dModel(64L * width)
                .device("A100 40GB");
        Trace trace = Estimate.trace(step);
        Footprint whole = CachingAllocator.replay(trace, AllocatorSettings.defaults(), CachingAllocator.UNLIMITED);

        Estimate estimate = Estimate.of(step);

        assertThat(estimate.peakReservedBytes()).isEqualTo(whole.peakReserved().bytes());
        assertThat(estimate.peakAllocatedBytes()).isEqualTo(trace.peakLive().bytes());
        assertThat(estimate.peakOperator()).isEqualTo(trace.peakLive().operator());
    }

    @Example
    void aBlockBeyondTheAllocatorIsAnErrorAndNoSmallPeak() {
        Workload step = TRANSFORMER.batch(1L << 40).seq(1 << 10).layers(1).device("A100 40GB");
        assertThatThrownBy(() -> Estimate.of(step)).isInstanceOf(ArithmeticException.class);
    }
}

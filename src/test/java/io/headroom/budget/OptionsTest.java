package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.Phase;
import io.headroom.workload.step.StepListener;
import io.headroom.workload.step.StepPlan;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;

/** Each option changes what it should, in the right direction, by the right number of bytes. */
class OptionsTest {
    private static final long ENCODER_BUFFERS = 4;

    /** Encoder stacks of many sizes, on numbers or tokens. */
    @Provide
    Arbitrary<Workload> steps() {
        Arbitrary<Long> batch = Arbitraries.longs().between(4, 24);
        Arbitrary<Long> seq = Arbitraries.longs().between(8, 96);
        Arbitrary<Long> heads = Arbitraries.of(4L, 8L);
        Arbitrary<Long> width = Arbitraries.of(8L, 16L, 32L);
        Arbitrary<Long> layers = Arbitraries.longs().between(2, 6);
        Arbitrary<Long> vocab = Arbitraries.of(0L, 500L);
        return Combinators.combine(batch, seq, heads, width, layers, vocab)
                .as((b, s, h, w, l, v) -> Workload.transformer()
                        .batch(b)
                        .seq(s)
                        .heads(h)
                        .dModel(h * w)
                        .layers(l)
                        .ff(4 * h * w)
                        .vocab(v)
                        .training(OptimizerKind.ADAM));
    }

    private static long peak(Workload step) {
        return Estimate.of(step).peakAllocatedBytes();
    }

    private static long buffers(Workload step) {
        return ENCODER_BUFFERS * step.dModel() * step.layers();
    }

    @Property(tries = 40)
    void halfFormatsHoldHalfOfEverythingButStatistics(@ForAll("steps") Workload step) {
        Estimate whole = Estimate.of(step);
        for (Precision half : List.of(Precision.FP16, Precision.BF16)) {
            Estimate estimate = Estimate.of(step.precision(half));
            assertThat(estimate.parameters()).isEqualTo(whole.parameters());
            assertThat(estimate.weightsBytes()).isEqualTo(2 * whole.parameters() + 2 * buffers(step));
            assertThat(estimate.gradientsBytes()).isEqualTo(whole.gradientsBytes() / 2);
            assertThat(estimate.optimizerBytes()).isEqualTo(whole.optimizerBytes() / 2);
            assertThat((double) estimate.peakAllocatedBytes() / whole.peakAllocatedBytes())
                    .isBetween(0.49, 0.56);
        }
    }

    @Property(tries = 40)
    void autocastHalvesActivationsAndKeepsWeightsAndState(@ForAll("steps") Workload step) {
        Estimate whole = Estimate.of(step);
        Estimate cast = Estimate.of(step.precision(Precision.AUTOCAST));
        assertThat(cast.weightsBytes()).isEqualTo(whole.weightsBytes());
        assertThat(cast.gradientsBytes()).isEqualTo(whole.gradientsBytes());
        assertThat(cast.optimizerBytes()).isEqualTo(whole.optimizerBytes());
        long copies = whole.weightsBytes() / 2;
        assertThat((double) cast.activationsBytes())
                .isBetween(0.49 * whole.activationsBytes(), 0.56 * whole.activationsBytes() + copies);
    }

    @Property(tries = 40)
    void checkpointingKeepsABorderForEachSegmentAndOneSegmentWhole(@ForAll("steps") Workload step) {
        Estimate plain = Estimate.of(step);
        Estimate all = Estimate.of(step.checkpointing(step.layers()));
        assertThat(all.weightsBytes()).isEqualTo(plain.weightsBytes());
        assertThat(all.activationsBytes()).isLessThan(plain.activationsBytes());
        double layer = (double) plain.activationsBytes() / step.layers();
        assertThat((double) all.activationsBytes()).isLessThan(2.5 * layer + step.layers() * border(step) * 3);
        long deeper = Estimate.of(step.layers(2 * step.layers()).checkpointing(step.layers()))
                .activationsBytes();
        assertThat(deeper).isGreaterThan(all.activationsBytes());
    }

    private static double border(Workload step) {
        return 4.0 * step.sequences() * step.seq() * step.dModel();
    }

    @Property(tries = 40)
    void accumulationHoldsTheActivationsOfAMicroBatch(@ForAll("steps") Workload step) {
        Workload split = step.batch(12).accumulation(3);
        Estimate estimate = Estimate.of(split);
        assertThat(estimate.activationsBytes())
                .isEqualTo(Estimate.of(step.batch(4)).activationsBytes());
        assertThat(estimate.peakAllocatedBytes())
                .isGreaterThanOrEqualTo(peak(step.batch(4)))
                .isLessThan(peak(step.batch(12)) + 1);
    }

    @Property(tries = 40)
    void loraTrainsTheAdaptersAlone(@ForAll("steps") Workload step, @ForAll @LongRange(min = 1, max = 8) long rank) {
        long adapters = step.layers() * 4 * 2 * rank * step.dModel();
        Estimate lora = Estimate.of(step.loraRank(rank));
        assertThat(lora.parameters()).isEqualTo(Estimate.of(step).parameters() + adapters);
        assertThat(lora.gradientsBytes()).isEqualTo(4 * adapters);
        assertThat(lora.optimizerBytes()).isEqualTo(8 * adapters);
    }

    @Property(tries = 40)
    void dropoutKeepsMasksAndItsRateSaysNothing(@ForAll("steps") Workload step) {
        long without = Estimate.of(step.dropout(0)).activationsBytes();
        long with = Estimate.of(step.dropout(0.1)).activationsBytes();
        double masks = step.layers() * (8.0 * step.sequences() * step.heads() * step.seq() * step.seq());
        assertThat((double) (with - without)).isBetween(masks, masks + 4 * 4 * border(step) * step.layers());
        assertThat(peak(step.dropout(0.5))).isEqualTo(peak(step.dropout(0.1)));
        assertThat(peak(step.dropout(0.5).inference()))
                .isEqualTo(peak(step.dropout(0).inference()));
    }

    @Property(tries = 40)
    void groupedKeysShrinkTheirProjectionsAndTheCache(@ForAll("steps") Workload step) {
        long groups = 2;
        long narrow = step.dModel() / step.heads() * groups;
        Estimate grouped = Estimate.of(step.kvHeads(groups));
        assertThat(Estimate.of(step).parameters() - grouped.parameters())
                .isEqualTo(step.layers() * 2 * (step.dModel() - narrow) * (step.dModel() + 1));
        assertThat(cache(step, 100)).isEqualTo(cache(step.kvHeads(groups), 100) * step.heads() / groups);
    }

    @Property(tries = 40)
    void theCacheHoldsKeysAndValuesOfPromptAndAnswer(
            @ForAll("steps") Workload step, @ForAll @LongRange(min = 1, max = 500) long generated) {
        assertThat(cache(step, generated))
                .isEqualTo(2 * 4 * step.layers() * step.batch() * step.dModel() * (step.seq() + generated));
    }

    private static long cache(Workload step, long generated) {
        Workload plain = step.inference();
        return peak(plain.with(Option.NEW_TOKENS, generated)) - peak(plain);
    }

    @Property(tries = 20)
    void everyBatchThatWaitsIsHeld(@ForAll("steps") Workload step, @ForAll @LongRange(min = 1, max = 9) long workers) {
        long batch = step.inputShape().size() * (step.vocab() > 0 ? 8 : 4);
        assertThat(peak(step.with(Option.PREFETCH, 3)) - peak(step)).isEqualTo(3 * batch);
        assertThat(peak(step.with(Option.WORKERS, workers)) - peak(step)).isEqualTo(2 * workers * batch);
        Workload pinned = step.with(Option.WORKERS, workers).with(Option.PINNED, true);
        assertThat(peak(pinned) - peak(step)).isBetween(2 * workers * batch, 4 * workers * batch);
        assertThat(Long.bitCount((peak(pinned) - peak(step)) / workers / 2)).isEqualTo(1);
        assertThat(peak(pinned.device("T4 16GB"))).isEqualTo(peak(step.device("T4 16GB")));
    }

    @Example
    void moreBatchesThanAThousandAreCountedToo() {
        Workload step = Workload.mlp().training(OptimizerKind.SGD);
        long batch = step.inputShape().size() * 4;
        assertThat(peak(step.with(Option.PREFETCH, 5000)) - peak(step)).isEqualTo(5000 * batch);
    }

    @Property(tries = 30)
    void optimizersKeepTheirStatesOfEveryWeight(@ForAll("steps") Workload step) {
        long trained = Estimate.of(step).gradientsBytes() / 4;
        Map<OptimizerKind, Long> each = Map.of(
                OptimizerKind.SGD, 0L,
                OptimizerKind.MOMENTUM, 4L,
                OptimizerKind.ADAM, 8L,
                OptimizerKind.ADAMW, 8L,
                OptimizerKind.ADAGRAD, 4L,
                OptimizerKind.RMSPROP, 4L);
        each.forEach((kind, bytes) ->
                assertThat(state(step.training(kind))).as("%s", kind).isEqualTo(bytes * trained));
        assertThat(state(step.training(OptimizerKind.ADAFACTOR))).isLessThan(trained);
        assertThat(state(step.training(OptimizerKind.ADAM8BIT))).isBetween(2 * trained, 8 * trained);
    }

    @Example
    void factoredAndQuantizedStatesAreThoseOfTheirMatrices() {
        Workload one = Workload.mlp().layers(1).dModel(2000).features(1000).outputs(3);
        assertThat(state(one.training(OptimizerKind.ADAFACTOR)))
                .isEqualTo(4L * (2000 + 1000) + 4 * 2000 + 4 * (3 + 2000) + 4 * 3);
        long blocks = 2_000_000 / 256 + 1;
        long small = 6000 / 256 + 1;
        assertThat(state(one.training(OptimizerKind.ADAM8BIT)))
                .isEqualTo(2L * 2_000_000 + 8 * blocks + 8 * 2000 + 2 * 6000 + 8 * small + 8 * 3);
    }

    private static long state(Workload step) {
        return Estimate.of(step).optimizerBytes();
    }

    @Property(tries = 30)
    void listsOfAllWeightsAreTheOptimizersOwn(@ForAll("steps") Workload step) {
        Workload light = step.batch(1).seq(1).with(Option.FOREACH, true);
        Estimate idle = Estimate.of(light.training(OptimizerKind.ADAM));
        long trained = idle.gradientsBytes();
        assertThat(idle.peakPhase()).isEqualTo("optimizer step");
        assertThat(idle.atPeak().get(Kind.TEMPORARY)).isEqualTo(trained);
        Estimate adagrad = Estimate.of(light.training(OptimizerKind.ADAGRAD));
        assertThat(adagrad.atPeak().get(Kind.TEMPORARY)).isEqualTo(2 * trained);
        assertThat(Estimate.of(light.training(OptimizerKind.SGD)).peakPhase()).isNotEqualTo("optimizer step");
    }

    /** Gradients that live through forward stand beside its activations; dropped before it they do not. */
    @Property(tries = 30)
    void gradientsDroppedEarlierLeaveMoreRoom(@ForAll("steps") Workload step) {
        long gradients = Estimate.of(step).gradientsBytes();
        long kept = peak(step.zeroGrad(ZeroGrad.IN_PLACE));
        long late = peak(step.zeroGrad(ZeroGrad.BEFORE_BACKWARD));
        long early = peak(step.zeroGrad(ZeroGrad.BEFORE_FORWARD));
        assertThat(early).isLessThanOrEqualTo(late);
        assertThat(late).isLessThanOrEqualTo(kept);
        assertThat(kept - early).isBetween(0L, gradients);
        assertThat(peak(step.zeroGrad(ZeroGrad.AFTER_STEP))).isEqualTo(early);
        for (ZeroGrad place : ZeroGrad.values()) {
            assertThat(Estimate.of(step.zeroGrad(place)).gradientsBytes()).isEqualTo(gradients);
        }
    }

    @Example
    void gradientsOfTheLastStepStandBesideForwardUntilTheyAreDropped() {
        Workload step = Workload.transformer().layers(2).training(OptimizerKind.SGD);
        long gradients = Estimate.of(step).gradientsBytes();
        assertThat(gradientsInForward(step.zeroGrad(ZeroGrad.IN_PLACE))).isEqualTo(gradients);
        assertThat(gradientsInForward(step.zeroGrad(ZeroGrad.BEFORE_BACKWARD))).isEqualTo(gradients);
        assertThat(gradientsInForward(step.zeroGrad(ZeroGrad.BEFORE_FORWARD))).isZero();
        assertThat(gradientsInForward(step.zeroGrad(ZeroGrad.AFTER_STEP))).isZero();
    }

    private static long gradientsInForward(Workload step) {
        long[] live = new long[2];
        StepPlan.play(step, new StepListener() {
            @Override
            public void allocated(long id, long bytes, Kind kind, Phase phase, String operator) {
                live[0] += kind == Kind.GRADIENTS ? bytes : 0;
                live[1] = phase == Phase.FORWARD ? Math.max(live[1], live[0]) : live[1];
            }

            @Override
            public void freed(long id, long bytes, Kind kind, Phase phase, String operator) {
                live[0] -= kind == Kind.GRADIENTS ? bytes : 0;
            }
        });
        return live[1];
    }

    @Property(tries = 30)
    void chunksAndFusedKernelsHoldNoScores(@ForAll("steps") Workload step) {
        Workload longer = step.seq(256).dropout(0);
        double scores = 4.0 * longer.sequences() * longer.heads() * 256 * 256 * longer.layers();
        long eager = Estimate.of(longer).activationsBytes();
        for (Attention attention : List.of(Attention.CHUNKED, Attention.SDPA)) {
            long without = Estimate.of(longer.attention(attention)).activationsBytes();
            assertThat((double) (eager - without)).as("%s", attention).isBetween(2 * scores, 4 * scores);
        }
    }

    @Example
    void dropoutBetweenLstmLayersIsKept() {
        Workload step = Workload.lstm().batch(64).seq(50).layers(3).training(OptimizerKind.SGD);
        long between = 2L * 2 * 4 * 64 * 50 * 128;
        assertThat((double) Estimate.of(step.dropout(0.2)).activationsBytes()
                        - Estimate.of(step).activationsBytes())
                .isCloseTo(between, within(1.0));
        assertThat(peak(step.layers(1).dropout(0.2))).isEqualTo(peak(step.layers(1)));
    }
}

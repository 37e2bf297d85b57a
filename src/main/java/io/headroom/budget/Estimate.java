package io.headroom.budget;

import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.PeakListener;
import io.headroom.workload.step.Phase;
import io.headroom.workload.step.StepPlan;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;

/**
 * What a workload's step needs: how many bytes, of what kind, at which moment.
 *
 * <p>Not fitted but played: every operator of the step allocates, keeps and frees as it does in the engine, and the peak
 * is the highest sum of what is alive. {@code upperBytes} is the end of an interval that measured peaks stay under: with malloc's
 * thresholds fixed 5 % and 8 MiB above, with malloc as it comes, which keeps freed memory, 45 % and of convolutions 85 %, and 20 %
 * on other devices, where nothing was measured. {@link #missRate()} says how many measured steps were above it.
 *
 * <pre>{@code
 * Estimate estimate = Estimate.of(step);
 * Bytes.format(estimate.deviceBytes());      // "11.50 GiB"
 * estimate.peakOperator();                   // "layer 2 · feed-forward · relu"
 * }</pre>
 *
 * @param workload what was estimated
 * @param parameters how many numbers the model holds, trained or not
 * @param weightsBytes of all parameters
 * @param gradientsBytes at their highest
 * @param optimizerBytes of the optimizer's state
 * @param activationsBytes of what forward stores, the batch included, at its highest
 * @param peakAllocatedBytes the highest sum of live tensors
 * @param peakReservedBytes what the allocator takes for them: whole pages on a CPU, segments on CUDA
 * @param deviceBytes what the process (CPU) or the device (GPU) shows above an idle one, whose CUDA context is already there
 * @param upperBytes the upper bound of {@code deviceBytes}
 * @param malloc whose malloc the bound holds for, on CPU
 * @param peakPhase when the peak falls: {@code "forward"}, {@code "backward"} or {@code "optimizer step"}
 * @param peakOperator where: the layer and operator whose allocation makes it
 * @param peakByPhase the highest sum of live tensors in each phase that runs, {@code LOAD} what lives between steps; the highest
 *     of them is {@code peakAllocatedBytes}
 * @param atPeak what the peak consists of; sums to {@code peakAllocatedBytes}
 */
public record Estimate(
        Workload workload,
        long parameters,
        long weightsBytes,
        long gradientsBytes,
        long optimizerBytes,
        long activationsBytes,
        long peakAllocatedBytes,
        long peakReservedBytes,
        long deviceBytes,
        long upperBytes,
        Malloc malloc,
        String peakPhase,
        String peakOperator,
        Map<Phase, Long> peakByPhase,
        Map<Kind, Long> atPeak) {
    private static final long MAPPED_ALONE = 64 * Bytes.KIB;
    private static final long PAGE = 4 * Bytes.KIB;

    public Estimate {
        peakByPhase = Collections.unmodifiableMap(peakByPhase);
        atPeak = Collections.unmodifiableMap(atPeak);
    }

    /**
     * Estimates a workload's step for this process, as its malloc is set. Takes well under a millisecond and allocates no tensor.
     *
     * @throws IllegalArgumentException if the workload does not hold together
     * @throws ArithmeticException if a size is beyond 2⁶³ bytes
     */
    public static Estimate of(Workload workload) {
        return of(workload, Malloc.here());
    }

    /** The same for a process whose malloc is set so: on CPU it decides the upper bound, and nothing else. */
    public static Estimate of(Workload workload, Malloc malloc) {
        Device device = Device.named(workload.device());
        PeakListener allocated = new PeakListener();
        long parameters;
        long reserved;
        if (device.kind() == Device.Kind.CPU) {
            PeakListener mapped = new PeakListener(MAPPED_ALONE, PAGE);
            parameters = StepPlan.play(workload, allocated.and(mapped));
            reserved = mapped.peakBytes();
        } else {
            SegmentListener segments = new SegmentListener();
            parameters = StepPlan.play(workload, allocated.and(segments));
            reserved = segments.peakBytes();
        }
        long shown = Bytes.plus(reserved, device.kind() == Device.Kind.CUDA ? 0 : Interval.PROCESS_BYTES);
        Map<Kind, Long> highest = allocated.highest();
        return new Estimate(
                workload,
                parameters,
                highest.get(Kind.WEIGHTS),
                highest.get(Kind.GRADIENTS),
                highest.get(Kind.OPTIMIZER),
                Bytes.plus(highest.get(Kind.ACTIVATIONS), highest.get(Kind.INPUT)),
                allocated.peakBytes(),
                reserved,
                shown,
                Interval.upper(shown, Interval.percent(workload, malloc, device.kind() == Device.Kind.CPU)),
                malloc,
                allocated.phase().title(),
                allocated.operator(),
                allocated.byPhase(),
                allocated.atPeak());
    }

    /** Keys and values of every layer for the prompt and what is generated, a part of {@code activationsBytes}; 0 without a cache. */
    public long kvCacheBytes() {
        return StepPlan.kvCacheBytes(workload);
    }

    /** How far above {@code deviceBytes} the bound is, besides 8 MiB. */
    public int boundPercent() {
        return Interval.percent(workload, malloc, isOnCpu());
    }

    /** How many measured steps were above such a bound; empty on other devices, where nothing was measured. */
    public Optional<MissRate> missRate() {
        return isOnCpu() ? Optional.of(MissRate.of(malloc)) : Optional.empty();
    }

    private boolean isOnCpu() {
        return Device.named(workload.device()).kind() == Device.Kind.CPU;
    }

    /** What of the peak each layer and each operator holds: plays the step once more, in about the time of an estimate. */
    public Breakdown breakdown() {
        BreakdownListener listener = new BreakdownListener(peakAllocatedBytes);
        StepPlan.play(workload, listener);
        return listener.breakdown();
    }

    /** The step as a trace, to be replayed under any allocator settings. */
    public static Trace trace(Workload workload) {
        TraceListener listener = new TraceListener();
        StepPlan.play(workload, listener);
        return listener.trace();
    }
}

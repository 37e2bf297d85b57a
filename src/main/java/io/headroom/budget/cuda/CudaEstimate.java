package io.headroom.budget.cuda;

import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Footprint;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.util.Map;

/**
 * What training steps need of a CUDA device: peaks of the caching allocator, the process above its empty context, a bound.
 *
 * <p>{@code deviceBytes} is reserved memory plus {@link #MODULE_BYTES}, the kernels that CUDA loads when they are first
 * called. {@code upperBytes} adds what can go wrong: for language models three segments as large as the logits, which a
 * batch of another length leaves behind, and a fiftieth; for image networks the workspaces that cuDNN takes while there is room.
 * Immutable. The miss rate of the bound is in docs/gpu.md.
 *
 * @param weightsBytes weights and buffers; {@code gradientsBytes}, {@code optimizerBytes} and {@code activationsBytes} are
 *     what lives beside them at the peak: they sum to its bytes before rounding
 * @param peakAllocatedBytes {@code torch.cuda.max_memory_allocated()}
 * @param peakReservedBytes {@code torch.cuda.max_memory_reserved()}
 * @param deviceBytes what the driver reports for the process, less what it reported once the context was there
 * @param upperBytes the upper bound of {@code deviceBytes}
 * @param peakPhase {@code "backward of step 2"}
 * @param peakOperator the operator whose allocation makes the peak
 */
public record CudaEstimate(
        CudaStep step,
        long parameters,
        long weightsBytes,
        long gradientsBytes,
        long optimizerBytes,
        long activationsBytes,
        long peakAllocatedBytes,
        long peakReservedBytes,
        long deviceBytes,
        long upperBytes,
        String peakPhase,
        String peakOperator) {
    /**
     * What the CUDA context takes before the first tensor (claimed: 0.47 GiB, ml-engineering, A100 with torch 2.1.1).
     */
    public static final long CONTEXT_BYTES = 481 * Bytes.MIB;

    /** Kernels loaded lazily after the context exists: assumed, then compared with the tuning rows; see docs/gpu.md. */
    public static final long MODULE_BYTES = 24 * Bytes.MIB;

    /** Log-softmax, its gradient and the one of the logits: a batch of another length can leave the segment of each behind. */
    private static final long LOSS_TENSORS = 3;

    private static final long BYTES_OF_LOGIT = 4;
    private static final double FRAGMENT_SHARE = 0.02;
    private static final double WORKSPACE_SHARE = 0.22;

    static CudaEstimate of(CudaStep step) {
        Trace trace = step.trace();
        Footprint free = CachingAllocator.replay(trace, AllocatorSettings.defaults(), CachingAllocator.UNLIMITED);
        Footprint footprint = onCard(step.card(), trace, free);
        Trace.Peak peak = trace.peakLive();
        Map<String, Long> live = trace.liveByOperator(peak.event());
        long weights = live.getOrDefault("weight", 0L);
        long gradients = live.getOrDefault(Memory.GRADIENT, 0L);
        long states = live.getOrDefault("optimizer state", 0L);
        long reserved = footprint.peakReserved().bytes();
        long device = Bytes.plus(reserved, MODULE_BYTES);
        return new CudaEstimate(
                step,
                step.model().parameters(),
                weights,
                gradients,
                states,
                peak.bytes() - weights - gradients - states,
                footprint.peakAllocated().bytes(),
                reserved,
                device,
                Bytes.plus(device, slack(step, reserved)),
                peak.phase(),
                peak.operator());
    }

    /** On a card that is short the allocator gives cached segments back and tries again; what still fails needs it all. */
    private static Footprint onCard(long card, Trace trace, Footprint free) {
        long room = card - CONTEXT_BYTES - MODULE_BYTES;
        if (card == 0 || room <= 0 || free.peakReserved().bytes() <= room) {
            return free;
        }
        Footprint tight = CachingAllocator.replay(trace, AllocatorSettings.defaults(), room);
        return tight.survives() ? tight : free;
    }

    private static long slack(CudaStep step, long reserved) {
        if (step.model().language() == null) {
            return (long) (WORKSPACE_SHARE * reserved);
        }
        long logits = Bytes.times(
                LOSS_TENSORS, step.batch(), step.seq(), step.model().language().vocab(), BYTES_OF_LOGIT);
        return Bytes.plus(logits, (long) (FRAGMENT_SHARE * reserved));
    }
}

package io.headroom.budget.cuda;

import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Footprint;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.LoraAdapters;
import java.util.Map;

/**
 * What training steps or forward passes need of a CUDA device: peaks of the caching allocator, the process above its empty context, a bound.
 *
 * <p>{@code deviceBytes} is reserved memory plus {@link #MODULE_BYTES}, the kernels that CUDA loads when they are first
 * called. {@code upperBytes} adds what can go wrong: for language models three segments as large as the largest activation (mostly the
 * logits; in inference one), which a batch of another length leaves behind, and a fiftieth, at least 8 %, and no less than steps of uneven lengths reserve; for image networks 22 % of workspaces that
 * cuDNN takes while there is room. Immutable. The miss rate of the bound is in docs/gpu.md.
 *
 * @param parameters of the model, those of LoRA adapters among them
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
    private static final long SEGMENTS_LEFT = 3;

    private static final long FLOAT = 4;

    /** What the widest tuning row needs that three logits do not explain: T5-small, Adam, batch 5, 7.5 %. */
    private static final double FLOOR_SHARE = 0.08;

    private static final double FRAGMENT_SHARE = 0.02;

    /** Of five patterns the one whose bound the fewest of 640 steps of random lengths exceeded. */
    private static final double[] LENGTHS = {0.85, 1, 0.95, 1};

    private static final double WORKSPACE_SHARE = 0.22;

    static CudaEstimate of(CudaStep step) {
        try {
            return followed(step);
        } catch (ArithmeticException e) {
            throw Limits.tooLarge(step, e);
        }
    }

    private static CudaEstimate followed(CudaStep step) {
        Trace trace = step.trace();
        Footprint footprint = replayed(step, trace);
        Trace.Peak peak = trace.peakLive();
        Map<String, Long> live = trace.liveByOperator(peak.event());
        long weights = live.getOrDefault("weight", 0L);
        long gradients = live.getOrDefault(Memory.GRADIENT, 0L);
        long states = live.getOrDefault("optimizer state", 0L);
        Reserved both = reserved(step, footprint);
        long reserved = both.usual();
        long device = Bytes.plus(reserved, MODULE_BYTES);
        return new CudaEstimate(
                step,
                Bytes.plus(step.model().parameters(), adapters(step)),
                weights,
                gradients,
                states,
                peak.bytes() - weights - gradients - states,
                footprint.peakAllocated().bytes(),
                reserved,
                device,
                upper(step, both),
                peak.phase(),
                peak.operator());
    }

    private static long adapters(CudaStep step) {
        return step.loraRank() == 0 ? 0 : LoraAdapters.parameters(step.model().language(), step.loraRank());
    }

    /** Keys and values of all layers at the last generated token; 0 where none are generated. */
    public long kvCacheBytes() {
        return step.newTokens() == 0 ? 0 : Generation.cacheBytes(step);
    }

    /** How many of the {@code parameters} are trained: with LoRA those of the adapters, in inference none. */
    public long trainableParameters() {
        return step.inference() ? 0 : step.loraRank() == 0 ? parameters : adapters(step);
    }

    /** Reserved memory as estimated, and the most that it is with every workspace. */
    private record Reserved(long usual, long most) {}

    private static Reserved reserved(CudaStep step, Footprint footprint) {
        if (!ImageOps.elastic(step.model().image())) {
            return new Reserved(
                    footprint.peakReserved().bytes(), footprint.peakReserved().bytes());
        }
        long without = replayed(step, CudaRun.trace(step, false)).peakReserved().bytes();
        long with = replayed(step, CudaRun.trace(step, true)).peakReserved().bytes();
        return new Reserved(without + (long) (ImageOps.counted(step) * (with - without)), Math.max(with, without));
    }

    private static Footprint replayed(CudaStep step, Trace trace) {
        return onCard(
                step.card(),
                trace,
                CachingAllocator.replay(trace, AllocatorSettings.defaults(), CachingAllocator.UNLIMITED));
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

    private static long upper(CudaStep step, Reserved reserved) {
        long most = Bytes.plus(reserved.most(), slack(step, reserved.most()));
        if (step.model().language() != null) {
            most = Math.max(most, unevenly(step));
        }
        return Bytes.plus(most, MODULE_BYTES, CublasWorkspace.doubt(step));
    }

    /** Batches padded to their longest line: a shorter one first leaves cached segments that fit nothing after it. */
    private static long unevenly(CudaStep step) {
        long[] lengths = new long[LENGTHS.length];
        for (int i = 0; i < lengths.length; i++) {
            lengths[i] = Math.max(1, Math.round(LENGTHS[i] * step.seq()));
        }
        long reserved = replayed(step, CudaRun.trace(step, false, lengths))
                .peakReserved()
                .bytes();
        long logits = Bytes.times(
                step.batch(), rowsOfLogits(step), step.model().language().vocab(), FLOAT);
        return Bytes.plus(Bytes.plus(reserved, logits), (long) (FRAGMENT_SHARE * reserved));
    }

    private static long slack(CudaStep step, long reserved) {
        LanguageModel language = step.model().language();
        if (language == null) {
            return (long) (WORKSPACE_SHARE * reserved);
        }
        long left = Bytes.times(
                step.inference() ? 1 : SEGMENTS_LEFT,
                step.batch(),
                rowsOfLogits(step),
                widestRow(step, language),
                FLOAT);
        return Math.max(Bytes.plus(left, (long) (FRAGMENT_SHARE * reserved)), (long) (FLOOR_SHARE * reserved));
    }

    /** Of how many tokens of a sample there are logits: of all, or of the prompt's last behind which others are generated. */
    private static long rowsOfLogits(CudaStep step) {
        boolean last = step.newTokens() > 0
                && Generation.keepsLast(step.model().language().family());
        return last ? 1 : step.seq();
    }

    /** Values a token in the largest activation: logits, the feed-forward layer, or the scores of eager attention. */
    private static long widestRow(CudaStep step, LanguageModel language) {
        long scores = Networks.attention(step) == Attention.EAGER ? Bytes.times(language.heads(), step.seq()) : 0;
        return Math.max(scores, Math.max(language.vocab(), language.intermediate()));
    }
}

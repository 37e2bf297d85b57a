package io.headroom.budget.cuda;

import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.preset.Family;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Whether a step fits on a card, and the cheapest changes that make it fit.
 *
 * <pre>{@code
 * CudaFit fit = CudaFit.of(step, Bytes.parse("11.76 GiB"));
 * fit.verdict();      // "does not fit"
 * fit.changes();      // by what they cost, each with what it saves
 * }</pre>
 *
 * <p>Immutable. The card's bytes are those the driver calls total; {@link #CONTEXT_BYTES} of them go to the CUDA context
 * (claimed: 0.47 GiB, ml-engineering, A100 with torch 2.1.1).
 *
 * @param cardBytes total memory of the card
 */
public record CudaFit(CudaStep step, CudaEstimate estimate, long cardBytes, List<Change> changes) {
    /** What the CUDA context takes before the first tensor. */
    public static final long CONTEXT_BYTES = CudaEstimate.CONTEXT_BYTES;

    /** One change: what it is, what it costs, the step with it and what that needs. */
    public record Change(String name, String cost, CudaStep step, CudaEstimate estimate, long savedBytes) {}

    /** Estimates the step and every change that applies to it, some milliseconds each. */
    public static CudaFit of(CudaStep asked, long cardBytes) {
        CudaStep step = asked.toBuilder().card(cardBytes).build();
        CudaEstimate estimate = step.estimate();
        List<Change> changes = new ArrayList<>();
        CudaStep.Builder same = step.toBuilder();
        if (step.keepOutputs()) {
            add(
                    changes,
                    estimate,
                    "let go of the output",
                    "nothing",
                    same.keepOutputs(false).build());
        }
        boolean language = step.model().language() != null;
        if (language
                && Networks.attention(step) == Attention.EAGER
                && step.model().language().family().fuses()) {
            add(
                    changes,
                    estimate,
                    "fused attention",
                    "nothing",
                    step.toBuilder().attention(Attention.SDPA).build());
        }
        if (language && step.segments() == 0 && step.model().language().family() != Family.T5) {
            add(
                    changes,
                    estimate,
                    "gradient checkpointing",
                    "a second forward pass",
                    step.toBuilder().checkpointing(true).build());
        }
        if (step.batch() > 1) {
            add(
                    changes,
                    estimate,
                    "batch " + step.batch() / 2 + ", accumulated twice",
                    "some time",
                    step.toBuilder().batch(step.batch() / 2).build());
            add(
                    changes,
                    estimate,
                    "batch 1, accumulated " + step.batch() + " times",
                    "time",
                    step.toBuilder().batch(1).build());
        }
        if (step.optimizer() != OptimizerKind.ADAFACTOR && step.optimizer() != OptimizerKind.SGD) {
            add(
                    changes,
                    estimate,
                    "Adafactor",
                    "another optimizer to tune",
                    step.toBuilder().optimizer(OptimizerKind.ADAFACTOR).build());
        }
        if (step.precision() == Precision.FP32 && step.autocast() == null) {
            add(
                    changes,
                    estimate,
                    "autocast to bfloat16",
                    "some accuracy; Ampere or newer",
                    step.toBuilder().autocast(Precision.BF16).build());
        }
        if (step.precision() == Precision.FP32) {
            add(
                    changes,
                    estimate,
                    "pure bfloat16",
                    "accuracy of small updates",
                    step.toBuilder().autocast(null).precision(Precision.BF16).build());
        }
        return new CudaFit(step, estimate, cardBytes, List.copyOf(changes));
    }

    private static void add(List<Change> changes, CudaEstimate before, String name, String cost, CudaStep step) {
        CudaEstimate after = step.estimate();
        changes.add(new Change(name, cost, step, after, before.deviceBytes() - after.deviceBytes()));
    }

    /** {@code fits} even at the upper bound, {@code tight} if only the estimate fits, or {@code does not fit}. */
    public String verdict() {
        return verdict(estimate);
    }

    private String verdict(CudaEstimate of) {
        if (of.upperBytes() + CONTEXT_BYTES <= cardBytes) {
            return "fits";
        }
        return of.deviceBytes() + CONTEXT_BYTES <= cardBytes ? "tight" : "does not fit";
    }

    /** The changes with which it fits, the one that leaves most room first. */
    public List<Change> thatFit() {
        return changes.stream()
                .filter(change -> verdict(change.estimate()).equals("fits"))
                .sorted(Comparator.comparingLong(Change::savedBytes).reversed())
                .toList();
    }

    /** The most bytes alive in each phase of the steps, in order. */
    public Map<String, Long> timeline() {
        Trace trace = step.trace();
        Map<String, Long> highest = new LinkedHashMap<>();
        long live = 0;
        String phase = "";
        for (int event = 0; event < trace.events(); event++) {
            switch (trace.kind(event)) {
                case PHASE -> phase = trace.label(event);
                case ALLOC -> {
                    live += trace.bytes(trace.allocation(event));
                    highest.merge(phase, live, Math::max);
                }
                case FREE -> live -= trace.bytes(trace.allocation(event));
                default -> {}
            }
        }
        return highest;
    }

    /** The verdict and the changes as a table of text. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%s on %s: %s%nneeds %s (at most %s) beside the CUDA context of %s; peak in %s, %s%n%n%-34s %12s %12s  %-12s %s%n",
                step.model().name(),
                Bytes.format(cardBytes),
                verdict(),
                Bytes.format(estimate.deviceBytes()),
                Bytes.format(estimate.upperBytes()),
                Bytes.format(CONTEXT_BYTES),
                estimate.peakPhase(),
                estimate.peakOperator(),
                "change",
                "needs",
                "saves",
                "then it",
                "costs"));
        for (Change change : changes) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-34s %12s %12s  %-12s %s%n",
                    change.name(),
                    Bytes.format(change.estimate().deviceBytes()),
                    Bytes.format(change.savedBytes()),
                    verdict(change.estimate()),
                    change.cost()));
        }
        return text.toString().stripTrailing();
    }
}

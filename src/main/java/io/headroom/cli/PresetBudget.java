package io.headroom.cli;

import io.headroom.budget.Verdict;
import io.headroom.budget.cuda.Card;
import io.headroom.budget.cuda.CudaEstimate;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.budget.cuda.CudaSpec;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.units.Bytes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What {@code headroom budget} answers for a spec that names a published model. */
final class PresetBudget {
    private static final String FITS = Verdict.FITS.toString();

    private PresetBudget() {}

    static boolean applies(Map<String, ?> spec) {
        return CudaSpec.applies(spec);
    }

    /** The step on the card that its spec names, or that {@code --limit} says, whichever has less. */
    private static CudaStep step(Map<String, ?> spec, Limit limit) {
        CudaStep step = CudaSpec.read(spec);
        long bytes = limit.total();
        boolean less = bytes >= CudaFit.CONTEXT_BYTES && (step.card() == 0 || bytes < step.card());
        return less
                ? step.toBuilder()
                        .card(new Card(
                                Bytes.format(bytes), bytes, step.card() == 0 ? limit.capability() : step.capability()))
                        .build()
                : step;
    }

    /** What would make it fit, where it is one step alone and does not plainly; many a run are answered without. */
    private static Optional<CudaFit> remedies(CudaStep step, CudaEstimate estimate, long least, boolean alone) {
        return alone
                        && least >= CudaFit.CONTEXT_BYTES
                        && !CudaFit.verdict(estimate, least).equals(FITS)
                ? Optional.of(CudaFit.of(step, new Card(Bytes.format(least), least, step.capability())))
                : Optional.empty();
    }

    private static Map<String, Object> change(CudaFit fit, CudaFit.Change change) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("change", change.name());
        figures.put("device_bytes", change.estimate().deviceBytes());
        figures.put("upper_bytes", change.estimate().upperBytes());
        figures.put("saved_bytes", change.savedBytes());
        figures.put("verdict", fit.verdict(change));
        figures.put("cost", change.cost());
        figures.put("code", change.code());
        return figures;
    }

    /**
     * The answer as figures.
     *
     * @param alone whether nothing else is asked in this run; only then are the changes that would make it fit searched
     */
    static Map<String, Object> figures(Map<String, ?> spec, Limit limit, boolean alone) {
        CudaEstimate estimate = step(spec, limit).estimate();
        long limitBytes = limit.total();
        List<String> unused = CudaSpec.unused(spec, estimate.step());
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("preset", estimate.step().model().name());
        figures.put("parameters", estimate.parameters());
        if (estimate.step().loraRank() > 0) {
            figures.put("trainable_parameters", estimate.trainableParameters());
        }
        figures.put("weights_bytes", estimate.weightsBytes());
        HighestByKind highest = HighestByKind.of(estimate.step().trace());
        figures.put("gradients_bytes", highest.gradients());
        figures.put("optimizer_bytes", highest.optimizer());
        figures.put("activations_bytes", highest.activations());
        if (estimate.step().newTokens() > 0) {
            figures.put("kv_cache_bytes", estimate.kvCacheBytes());
        }
        figures.put("gradients_at_peak_bytes", estimate.gradientsBytes());
        figures.put("optimizer_at_peak_bytes", estimate.optimizerBytes());
        figures.put("activations_at_peak_bytes", estimate.activationsBytes());
        figures.put("peak_allocated_bytes", estimate.peakAllocatedBytes());
        figures.put("peak_reserved_bytes", estimate.peakReservedBytes());
        figures.put("device_bytes", estimate.deviceBytes());
        figures.put("upper_bytes", estimate.upperBytes());
        figures.put("peak_phase", estimate.peakPhase());
        figures.put("peak_operator", estimate.peakOperator());
        long card = CudaSpec.read(spec).card();
        if (card > 0) {
            figures.put("card_bytes", card);
        }
        if (limitBytes > 0) {
            figures.put("limit_bytes", limitBytes);
        }
        long least = least(card, limitBytes);
        if (least > 0) {
            figures.put("verdict", CudaFit.verdict(estimate, least));
            remedies(estimate.step(), estimate, least, alone).ifPresent(fit -> {
                figures.put(
                        "changes",
                        fit.changes().stream().map(each -> change(fit, each)).toList());
                figures.put(
                        "cheapest", fit.cheapest().map(set -> change(fit, set)).orElse(null));
            });
        }
        if (!unused.isEmpty()) {
            figures.put("not_used", unused);
        }
        return figures;
    }

    /** The answer as text; {@code alone} as in {@link #figures}. */
    static String text(Map<String, ?> spec, Limit limit, boolean alone) {
        CudaEstimate estimate = step(spec, limit).estimate();
        long limitBytes = limit.total();
        StringBuilder text = new StringBuilder();
        line(
                text,
                estimate.step().model().name(),
                estimate.parameters() + " parameters"
                        + (estimate.step().loraRank() > 0 ? ", " + estimate.trainableParameters() + " trained" : ""));
        line(text, "weights", Bytes.format(estimate.weightsBytes()));
        HighestByKind highest = HighestByKind.of(estimate.step().trace());
        line(text, "gradients", beside(highest.gradients(), estimate.gradientsBytes()));
        line(text, "optimizer", beside(highest.optimizer(), estimate.optimizerBytes()));
        line(text, "activations", beside(highest.activations(), estimate.activationsBytes()));
        if (estimate.step().newTokens() > 0) {
            line(text, "KV cache", Bytes.format(estimate.kvCacheBytes()) + " of the activations at the last token");
        }
        line(
                text,
                "peak allocated",
                Bytes.format(estimate.peakAllocatedBytes()) + " in " + estimate.peakPhase() + ", "
                        + estimate.peakOperator());
        line(text, "peak reserved", Bytes.format(estimate.peakReservedBytes()));
        line(
                text,
                "on the device",
                Bytes.format(estimate.deviceBytes()) + ", at most " + Bytes.format(estimate.upperBytes()));
        for (String key : CudaSpec.unused(spec, estimate.step())) {
            line(text, "not used", key + ": " + why(key, estimate.step()));
        }
        long card = CudaSpec.read(spec).card();
        if (card > 0) {
            line(text, "card", verdict(estimate, card));
        }
        if (limitBytes > 0) {
            line(text, "limit", verdict(estimate, limitBytes));
        }
        remedies(estimate.step(), estimate, least(card, limitBytes), alone)
                .ifPresent(fit -> text.append(String.format("%n%s%n%s", fit.table(), fit.advice())));
        return text.toString().stripTrailing();
    }

    private static long least(long card, long limit) {
        return card == 0 || limit > 0 && limit < card ? limit : card;
    }

    private static String verdict(CudaEstimate estimate, long bytes) {
        return Bytes.format(bytes) + ": " + CudaFit.verdict(estimate, bytes) + " beside the CUDA context of "
                + Bytes.format(CudaFit.CONTEXT_BYTES);
    }

    private static String why(String key, CudaStep step) {
        return switch (key) {
            case "optimizer", "accumulation", "checkpointing" -> "in inference nothing is trained";
            case "zero_grad" ->
                step.inference()
                        ? "in inference nothing is trained"
                        : "gradients live from one micro-batch to the next";
            case "keep_outputs" -> "generated tokens alone are returned";
            case "seq" -> "an image network takes batch, image and classes";
            default -> "a language model takes batch and seq";
        };
    }

    private static String beside(long highest, long atPeak) {
        return Bytes.format(highest) + (highest == atPeak ? "" : ", " + Bytes.format(atPeak) + " at the peak");
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append(String.format("%-15s %s%n", name, value));
    }
}

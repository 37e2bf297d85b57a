package io.headroom.budget.cuda;

import io.headroom.budget.Verdict;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

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
 * @param cheapest the cheapest set of changes with which it fits even at the upper bound: first what costs nothing, then time, then
 *     what alters results; empty where all together are not enough, a change without a name where it fits as it is
 */
public record CudaFit(
        CudaStep step, CudaEstimate estimate, long cardBytes, List<Change> changes, Optional<Change> cheapest) {
    /** What the CUDA context takes before the first tensor. */
    public static final long CONTEXT_BYTES = CudaEstimate.CONTEXT_BYTES;

    /**
     * One change, or several together: what it is, what it costs, the step with it and what that needs.
     *
     * @param code the line of Python that does it, of several one a line in the order in which they go
     */
    public record Change(
            String name, String cost, String code, CudaStep step, CudaEstimate estimate, long savedBytes) {}

    static final String FITS = Verdict.FITS.toString();

    /** Estimates the step and every change that applies to it, some milliseconds each, on a card of so many bytes. */
    public static CudaFit of(CudaStep step, long cardBytes) {
        return of(step, new Card(Bytes.format(cardBytes), cardBytes, Card.UNKNOWN));
    }

    /** The same on a card whose compute capability may be known: what it cannot compute is not offered. */
    public static CudaFit of(CudaStep asked, Card card) {
        return of(asked, card, stage -> {});
    }

    /** The same, telling {@code progress} before each estimate which one it is; each step is estimated once. */
    public static CudaFit of(CudaStep asked, Card card, Consumer<String> progress) {
        Map<CudaStep, CudaEstimate> known = new HashMap<>();
        Function<CudaStep, CudaEstimate> estimates = step -> {
            CudaEstimate estimate = known.get(step);
            if (estimate == null) {
                progress.accept("estimate " + (known.size() + 1));
                estimate = step.estimate();
                known.put(step, estimate);
            }
            return estimate;
        };
        long cardBytes = card.bytes();
        CudaStep step = asked.toBuilder().card(card).build();
        CudaEstimate estimate = estimates.apply(step);
        List<Change> changes = new ArrayList<>();
        List<Changes.Option> helping = new ArrayList<>();
        for (Changes.Option option : Changes.of(step)) {
            Change change = change(step, estimates, List.of(option));
            if (change.savedBytes() > 0 || !option.onlyIfSaving()) {
                changes.add(change);
            }
            if (change.estimate().peakAllocatedBytes() < estimate.peakAllocatedBytes() || !option.onlyIfSaving()) {
                helping.add(option); // what only leaves larger holes alone can save beside another
            }
        }
        Optional<Change> cheapest =
                Changes.cheapest(step, helping, cardBytes, estimates).map(options -> change(step, estimates, options));
        return new CudaFit(step, estimate, cardBytes, List.copyOf(changes), cheapest);
    }

    private static Change change(
            CudaStep step, Function<CudaStep, CudaEstimate> estimates, List<Changes.Option> options) {
        CudaStep changed = Changes.apply(step, options);
        CudaEstimate after = estimates.apply(changed);
        return new Change(
                options.stream().map(Changes.Option::name).collect(Collectors.joining(" + ")),
                cost(options),
                options.stream().map(Changes.Option::code).collect(Collectors.joining("\n")),
                changed,
                after,
                estimates.apply(step).deviceBytes() - after.deviceBytes());
    }

    private static String cost(List<Changes.Option> options) {
        String costs = options.stream()
                .map(Changes.Option::cost)
                .filter(cost -> !cost.equals(Changes.NO_COST))
                .distinct()
                .collect(Collectors.joining("; "));
        return costs.isEmpty() ? Changes.NO_COST : costs;
    }

    /** {@code fits} even at the upper bound, {@code fits barely} if only the estimate fits, or {@code does not fit}. */
    public String verdict() {
        return verdict(estimate, cardBytes);
    }

    /** The same of the step with one of its changes. */
    public String verdict(Change change) {
        return verdict(change.estimate(), cardBytes);
    }

    /** The verdict of an estimate on a card of so many bytes, the CUDA context counted. */
    public static String verdict(CudaEstimate of, long cardBytes) {
        if (of.upperBytes() + CONTEXT_BYTES <= cardBytes) {
            return FITS;
        }
        return (of.deviceBytes() + CONTEXT_BYTES <= cardBytes ? Verdict.FITS_BARELY : Verdict.DOES_NOT_FIT).toString();
    }

    /** The changes with which it fits, the one that leaves most room first. */
    public List<Change> thatFit() {
        return changes.stream()
                .filter(change -> verdict(change).equals(FITS))
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

    /** What to do, in one sentence. */
    public String advice() {
        return cheapest.map(change -> change.name().isEmpty()
                        ? "It fits as it is."
                        : "The cheapest that fits: " + change.name() + ", "
                                + Bytes.format(change.estimate().deviceBytes()) + " (at most "
                                + Bytes.format(change.estimate().upperBytes()) + "). It costs " + change.cost() + ".")
                .orElse("All of these together do not make it fit: take a smaller model"
                        + (step.model().language() == null ? " or image." : ", seq or a larger card."));
    }

    /** The verdict and the changes as a table of text, each with its line of Python. */
    @Override
    public String toString() {
        String header = String.format(
                Locale.ROOT,
                "%s on %s: %s%nneeds %s (at most %s) beside the CUDA context of %s; peak in %s, %s%n%n",
                step.model().name(),
                Bytes.format(cardBytes),
                verdict(),
                Bytes.format(estimate.deviceBytes()),
                Bytes.format(estimate.upperBytes()),
                Bytes.format(CONTEXT_BYTES),
                estimate.peakPhase(),
                estimate.peakOperator());
        return header + table() + String.format("%n%s", advice());
    }

    /** The changes as a table of text. */
    public String table() {
        int costs = changes.stream()
                .mapToInt(change -> change.cost().length())
                .max()
                .orElse(0);
        String row = "%-34s %12s %12s  %-12s %-" + Math.max("costs".length(), costs) + "s  %s%n";
        StringBuilder text = new StringBuilder(
                String.format(Locale.ROOT, row, "change", "needs", "saves", "then it", "costs", "in Python"));
        for (Change change : changes) {
            text.append(String.format(
                    Locale.ROOT,
                    row,
                    change.name(),
                    Bytes.format(change.estimate().deviceBytes()),
                    Bytes.format(change.savedBytes()),
                    verdict(change),
                    change.cost(),
                    change.code()));
        }
        return text.toString();
    }
}

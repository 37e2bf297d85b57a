package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** What can be changed about a step, each with its price, and the cheapest set of changes that makes it fit. */
final class Changes {
    /** One kind of change excludes another of its kind: two batches, two precisions. */
    enum Kind {
        OUTPUT,
        ATTENTION,
        BATCH,
        CHECKPOINTING,
        PRECISION,
        OPTIMIZER
    }

    /** Prices only order: free, a little time, a third more time, much time, other results. */
    record Option(Kind kind, String name, String cost, int price, UnaryOperator<CudaStep.Builder> change) {}

    static final String NO_COST = "nothing";

    private static final int FREE = 0;
    private static final int SOME_TIME = 10;
    private static final int MORE_TIME = 20;
    private static final int MUCH_TIME = 30;
    private static final int OTHER_RESULTS = 40;
    private static final int HALVINGS = 6;
    private static final int AMPERE = 80;

    private Changes() {}

    /** All that apply, the cheapest first. */
    static List<Option> of(CudaStep step) {
        List<Option> options = new ArrayList<>();
        if (step.keepOutputs()) {
            options.add(new Option(
                    Kind.OUTPUT, "let go of the output", NO_COST, FREE, builder -> builder.keepOutputs(false)));
        }
        LanguageModel language = step.model().language();
        boolean trains = !step.inference();
        if (language != null && Networks.attention(step) == Attention.EAGER && fusesAlike(language.family())) {
            options.add(new Option(
                    Kind.ATTENTION, "fused attention", NO_COST, FREE, builder -> builder.attention(Attention.SDPA)));
        }
        if (trains && step.segments() == 0 && Limits.checkpoints(step.model())) {
            options.add(new Option(
                    Kind.CHECKPOINTING,
                    "gradient checkpointing",
                    "a second forward pass",
                    MORE_TIME,
                    builder -> builder.checkpointing(true)));
        }
        for (int halvings = 1; halvings <= HALVINGS; halvings++) {
            long parts = 1L << halvings;
            long micro = (step.batch() + parts - 1) / parts;
            if (micro > 1 || step.batch() == 2 && halvings == 1) {
                accumulation(step, micro, "some time", SOME_TIME + halvings - 1).ifPresent(options::add);
            }
        }
        if (step.batch() > 2) {
            accumulation(step, 1, "time", MUCH_TIME).ifPresent(options::add);
        }
        if (trains && step.precision() == Precision.FP32 && step.autocast() == null) {
            options.add(autocast(step));
        }
        if (trains && step.optimizer() != OptimizerKind.ADAFACTOR && step.optimizer() != OptimizerKind.SGD) {
            options.add(new Option(
                    Kind.OPTIMIZER,
                    "Adafactor",
                    "another optimizer to tune",
                    OTHER_RESULTS,
                    builder -> builder.optimizer(OptimizerKind.ADAFACTOR)));
        }
        if (!trains && step.precision() == Precision.FP32) {
            options.add(halfWeights(step));
        } else if (step.precision() == Precision.FP32 && !lacksBfloat16(step)) {
            options.add(new Option(
                    Kind.PRECISION,
                    "pure bfloat16",
                    "accuracy of small updates" + ofWhichCards(step),
                    OTHER_RESULTS + 1,
                    builder -> builder.autocast(null).precision(Precision.BF16)));
        }
        return options;
    }

    private static Option autocast(CudaStep step) {
        return lacksBfloat16(step)
                ? new Option(
                        Kind.PRECISION,
                        "autocast to float16",
                        "some accuracy, and a gradient scaler (GradScaler) against underflow",
                        MORE_TIME,
                        builder -> builder.autocast(Precision.FP16))
                : new Option(
                        Kind.PRECISION,
                        "autocast to bfloat16",
                        "some accuracy" + ofWhichCards(step),
                        MORE_TIME,
                        builder -> builder.autocast(Precision.BF16));
    }

    private static Option halfWeights(CudaStep step) {
        Precision half = lacksBfloat16(step) ? Precision.FP16 : Precision.BF16;
        return new Option(
                Kind.PRECISION,
                half == Precision.FP16 ? "float16 weights" : "bfloat16 weights",
                "some accuracy" + (half == Precision.FP16 ? "" : ofWhichCards(step)),
                MORE_TIME,
                builder -> builder.autocast(null).precision(half));
    }

    /** Cards before Ampere compute no bfloat16. */
    private static boolean lacksBfloat16(CudaStep step) {
        return step.capability() != Card.UNKNOWN && step.capability() < AMPERE;
    }

    private static String ofWhichCards(CudaStep step) {
        return step.capability() == Card.UNKNOWN ? "; the card must be Ampere or newer" : "";
    }

    /** Gemma 2's fused attention leaves out the cap of the scores, so it trains another model. */
    private static boolean fusesAlike(Family family) {
        return family.fuses() && family != Family.GEMMA2;
    }

    /**
     * Gradients of the micro-batches before live through forward and backward of the next, which adds in place. Batch norm sees
     * only the micro-batch: results change.
     */
    private static Optional<Option> accumulation(CudaStep step, long batch, String cost, int price) {
        long count = (step.batch() + batch - 1) / batch;
        if (step.inference()) {
            String passes = "batch " + batch + ", " + count + " passes";
            return Optional.of(new Option(Kind.BATCH, passes, cost, price, builder -> builder.batch(batch)));
        }
        if (Limits.normsOneValue(step.model(), batch, step.image())) {
            return Optional.empty();
        }
        boolean norms = step.model().image() != null && step.model().image().normalizesBatches();
        return Optional.of(new Option(
                Kind.BATCH,
                "batch " + batch + ", accumulated " + (count == 2 ? "twice" : count + " times"),
                norms ? cost + "; batch norm sees " + batch : cost,
                norms ? OTHER_RESULTS + price : price,
                builder -> builder.batch(batch).zeroGrad(ZeroGrad.IN_PLACE)));
    }

    /** The set with the smallest sum of prices whose upper bound fits, none that can be spared; empty if none does. */
    static Optional<List<Option>> cheapest(CudaStep step, long cardBytes, Function<CudaStep, CudaEstimate> estimates) {
        List<Option> free =
                of(step).stream().filter(option -> option.price() == FREE).toList();
        List<Option> priced =
                of(step).stream().filter(option -> option.price() > FREE).toList();
        if (fits(step, List.of(), cardBytes, estimates)) {
            return Optional.of(List.of());
        }
        return subsets(priced).stream()
                .map(set -> Stream.concat(free.stream(), set.stream()).toList())
                .filter(set -> fits(step, set, cardBytes, estimates))
                .findFirst()
                .map(set -> needed(step, set, cardBytes, estimates));
    }

    private static boolean fits(
            CudaStep step, List<Option> options, long cardBytes, Function<CudaStep, CudaEstimate> estimates) {
        return CudaFit.verdict(estimates.apply(apply(step, options)), cardBytes).equals(CudaFit.FITS);
    }

    private static List<Option> needed(
            CudaStep step, List<Option> found, long cardBytes, Function<CudaStep, CudaEstimate> estimates) {
        List<Option> needed = found;
        for (Option option : found) {
            List<Option> fewer =
                    needed.stream().filter(other -> other != option).toList();
            if (fits(step, fewer, cardBytes, estimates)) {
                needed = fewer;
            }
        }
        return needed;
    }

    static CudaStep apply(CudaStep step, List<Option> options) {
        CudaStep.Builder builder = step.toBuilder();
        options.forEach(option -> option.change().apply(builder));
        return builder.build();
    }

    private static List<List<Option>> subsets(List<Option> options) {
        List<List<Option>> sets = new ArrayList<>();
        sets.add(List.of());
        for (Option option : options) {
            for (List<Option> set : List.copyOf(sets)) {
                if (set.stream().noneMatch(other -> other.kind() == option.kind())) {
                    List<Option> larger = new ArrayList<>(set);
                    larger.add(option);
                    sets.add(List.copyOf(larger));
                }
            }
        }
        sets.sort(Comparator.<List<Option>>comparingInt(
                        set -> set.stream().mapToInt(Option::price).sum())
                .thenComparingInt(List::size));
        return sets;
    }
}

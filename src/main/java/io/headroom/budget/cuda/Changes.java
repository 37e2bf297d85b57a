package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
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
        OPTIMIZER,
        /** LoRA leaves so little optimizer state that another optimizer beside it saves nothing. */
        ADAPTERS;

        boolean excludes(Kind other) {
            return this == other || this == OPTIMIZER && other == ADAPTERS || this == ADAPTERS && other == OPTIMIZER;
        }
    }

    /**
     * Prices only order: free, a little time, a third more time, a library, much time, other results, another thing trained.
     *
     * @param code the line of Python that does it
     * @param onlyIfSaving whether it is left out where it saves nothing
     */
    record Option(
            Kind kind,
            String name,
            String cost,
            int price,
            String code,
            boolean onlyIfSaving,
            UnaryOperator<CudaStep.Builder> change) {
        Option(Kind kind, String name, String cost, int price, String code, UnaryOperator<CudaStep.Builder> change) {
            this(kind, name, cost, price, code, false, change);
        }
    }

    static final String NO_COST = "nothing";

    private static final int FREE = 0;
    private static final int SOME_TIME = 10;
    private static final int MORE_TIME = 20;
    private static final int A_LIBRARY = 25;
    private static final int MUCH_TIME = 30;
    private static final int OTHER_RESULTS = 40;
    /** More than any two other changes of the results. */
    private static final int ANOTHER_TRAINING = 90;

    private static final long LORA_RANK = 8;
    private static final int HALVINGS = 6;
    private static final int AMPERE = 80;

    private Changes() {}

    /** All that apply. */
    static List<Option> of(CudaStep step) {
        List<Option> options = new ArrayList<>();
        LanguageModel language = step.model().language();
        boolean trains = !step.inference();
        if (step.keepOutputs()) {
            options.add(new Option(
                    Kind.OUTPUT,
                    "let go of the output",
                    NO_COST,
                    FREE,
                    trains ? "del outputs, loss  # after loss.backward()" : "del outputs  # once they are read",
                    builder -> builder.keepOutputs(false)));
        }
        if (language != null && Networks.attention(step) == Attention.EAGER && fusesAlike(language.family())) {
            options.add(new Option(
                    Kind.ATTENTION,
                    "fused attention",
                    NO_COST,
                    FREE,
                    "from_pretrained(name, attn_implementation=\"sdpa\")",
                    builder -> builder.attention(Attention.SDPA)));
        }
        if (trains && step.segments() == 0 && Limits.checkpoints(step.model())) {
            options.add(new Option(
                    Kind.CHECKPOINTING,
                    "gradient checkpointing",
                    "a second forward pass",
                    MORE_TIME,
                    "model.gradient_checkpointing_enable()",
                    builder -> builder.checkpointing(true)));
        }
        batches(step, options);
        if (trains && step.precision() == Precision.FP32 && step.autocast() == null) {
            options.add(autocast(step));
        }
        if (trains) {
            optimizers(step, options);
        }
        if (!trains && step.precision() == Precision.FP32) {
            options.add(halfWeights(step));
        } else if (step.precision() == Precision.FP32 && !lacksBfloat16(step)) {
            options.add(new Option(
                    Kind.PRECISION,
                    "pure bfloat16",
                    "accuracy of small updates" + ofWhichCards(step),
                    OTHER_RESULTS + 1,
                    "model.to(torch.bfloat16)",
                    builder -> builder.autocast(null).precision(Precision.BF16)));
        }
        if (trains && language != null && step.loraRank() == 0 && language.hidden() >= LORA_RANK) {
            options.add(new Option(
                    Kind.ADAPTERS,
                    "LoRA adapters of rank " + LORA_RANK,
                    "full training: adapters alone learn (Hu et al. 2021), with peft",
                    ANOTHER_TRAINING,
                    "model = peft.get_peft_model(model, peft.LoraConfig(r=" + LORA_RANK + "))",
                    true,
                    builder -> builder.loraRank(LORA_RANK)));
        }
        return options;
    }

    private static void batches(CudaStep step, List<Option> options) {
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
    }

    private static void optimizers(CudaStep step, List<Option> options) {
        OptimizerKind optimizer = step.optimizer();
        if (optimizer == OptimizerKind.ADAM || optimizer == OptimizerKind.ADAMW) {
            options.add(new Option(
                    Kind.OPTIMIZER,
                    "8-bit Adam",
                    "hardly any accuracy (Dettmers et al. 2022), with bitsandbytes on CUDA",
                    A_LIBRARY,
                    "optimizer = bitsandbytes.optim." + (optimizer == OptimizerKind.ADAM ? "Adam8bit" : "AdamW8bit")
                            + "(model.parameters())",
                    true,
                    builder -> builder.optimizer(OptimizerKind.ADAM8BIT)));
        }
        if (optimizer != OptimizerKind.ADAFACTOR && optimizer != OptimizerKind.SGD) {
            options.add(new Option(
                    Kind.OPTIMIZER,
                    "Adafactor",
                    "another optimizer to tune",
                    OTHER_RESULTS,
                    "optimizer = " + (step.model().language() == null ? "torch.optim" : "transformers")
                            + ".Adafactor(model.parameters())",
                    builder -> builder.optimizer(OptimizerKind.ADAFACTOR)));
        }
    }

    private static Option autocast(CudaStep step) {
        return lacksBfloat16(step)
                ? new Option(
                        Kind.PRECISION,
                        "autocast to float16",
                        "some accuracy, and a gradient scaler (GradScaler) against underflow",
                        MORE_TIME,
                        "with torch.autocast(\"cuda\", dtype=torch.float16): loss = loss_of(model, batch)",
                        builder -> builder.autocast(Precision.FP16))
                : new Option(
                        Kind.PRECISION,
                        "autocast to bfloat16",
                        "some accuracy" + ofWhichCards(step),
                        MORE_TIME,
                        "with torch.autocast(\"cuda\", dtype=torch.bfloat16): loss = loss_of(model, batch)",
                        builder -> builder.autocast(Precision.BF16));
    }

    private static Option halfWeights(CudaStep step) {
        Precision half = lacksBfloat16(step) ? Precision.FP16 : Precision.BF16;
        return new Option(
                Kind.PRECISION,
                half == Precision.FP16 ? "float16 weights" : "bfloat16 weights",
                "some accuracy" + (half == Precision.FP16 ? "" : ofWhichCards(step)),
                MORE_TIME,
                "model.to(torch." + (half == Precision.FP16 ? "float16" : "bfloat16") + ")",
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
            String code = "for part in batch.split(" + batch + "): use(model(part))";
            return Optional.of(new Option(Kind.BATCH, passes, cost, price, code, builder -> builder.batch(batch)));
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
                "for part in batch.split(" + batch + "): (loss_of(model, part) / " + count + ").backward()",
                builder -> builder.batch(batch).zeroGrad(ZeroGrad.IN_PLACE)));
    }

    /**
     * The set of {@code options} with the smallest sum of prices whose upper bound fits, none that can be spared; empty if none does.
     * A set whose weights, gradients and states alone are too many is not estimated, nor a larger micro-batch where the smallest does
     * not fit.
     */
    static Optional<List<Option>> cheapest(
            CudaStep step, List<Option> options, long cardBytes, Function<CudaStep, CudaEstimate> estimates) {
        if (fits(step, List.of(), cardBytes, estimates)) {
            return Optional.of(List.of());
        }
        List<Option> free =
                options.stream().filter(option -> option.price() == FREE).toList();
        List<Option> priced =
                options.stream().filter(option -> option.price() > FREE).toList();
        Optional<Option> smallest =
                priced.stream().filter(option -> option.kind() == Kind.BATCH).reduce((larger, smaller) -> smaller);
        Map<Kept, Long> floors = new HashMap<>();
        Predicate<List<Option>> fits = set -> {
            CudaStep changed = apply(step, set);
            Kept kept = Kept.of(changed);
            if (floors.getOrDefault(kept, 0L) + CudaFit.CONTEXT_BYTES > cardBytes) {
                return false;
            }
            CudaEstimate estimate = estimates.apply(changed);
            floors.merge(
                    kept, estimate.weightsBytes() + estimate.gradientsBytes() + estimate.optimizerBytes(), Math::max);
            return CudaFit.verdict(estimate, cardBytes).equals(CudaFit.FITS);
        };
        return subsets(priced).stream()
                .map(set -> Stream.concat(free.stream(), set.stream()).toList())
                .filter(set -> fits.test(withSmallest(set, smallest)) && fits.test(set))
                .findFirst()
                .map(set -> needed(step, set, cardBytes, estimates));
    }

    /** What decides on the bytes that stay from step to step, all of them alive while the optimizer runs. */
    private record Kept(Precision precision, OptimizerKind optimizer, long loraRank) {
        static Kept of(CudaStep step) {
            return new Kept(step.precision(), step.optimizer(), step.loraRank());
        }
    }

    /** The same set with the smallest micro-batch in place of its own, if it has one. */
    private static List<Option> withSmallest(List<Option> set, Optional<Option> smallest) {
        return set.stream()
                .map(option -> option.kind() == Kind.BATCH ? smallest.orElse(option) : option)
                .toList();
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
                if (set.stream().noneMatch(other -> other.kind().excludes(option.kind()))) {
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

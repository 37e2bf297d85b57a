package io.headroom.remedy;

import io.headroom.budget.Solver;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * The catalogue of remedies: all of them, by name, or those that fit a workload.
 *
 * <p>The factories with a setting are what {@code compare(step, batch(8), checkpointing(8), lora(8))} takes; {@link #all()}
 * holds each remedy once with a setting chosen for the workload it meets. Stateless and safe for any number of threads.
 *
 * <pre>{@code
 * for (Remedy remedy : Remedies.applicableTo(step)) {          // the largest saving first
 *     System.out.println(remedy.title() + ": " + remedy.saving(step).map(Object::toString).orElse("no estimate"));
 * }
 * Workload cheaper = Remedies.byName("LoRA").apply(step);
 * }</pre>
 */
public final class Remedies {
    private static final int CACHE_BATCHES = 10;
    private static final int SPLIT_MEBIBYTES = 64;
    private static final int LOADER_BATCHES = 2;

    private static final List<Remedy> ALL = List.of(
            WorkloadRemedies.batch(0),
            WorkloadRemedies.accumulation(0),
            WorkloadRemedies.checkpointing(0),
            WorkloadRemedies.chunkedAttention(0),
            WorkloadRemedies.halfPrecision(),
            WorkloadRemedies.lora(0),
            WorkloadRemedies.sequence(0),
            WorkloadRemedies.nodes(0),
            WorkloadRemedies.width(0),
            WorkloadRemedies.loader(LOADER_BATCHES),
            ProcessRemedies.shrinkingBatch(),
            ProcessRemedies.release(),
            ProcessRemedies.copySamples(),
            ProcessRemedies.dropIntermediates(),
            ProcessRemedies.buckets(),
            ProcessRemedies.freezing(),
            ProcessRemedies.float32Histories(),
            ProcessRemedies.emptyCache(CACHE_BATCHES),
            ProcessRemedies.cpu(),
            ProcessRemedies.expandableSegments(),
            ProcessRemedies.maxSplitSize(SPLIT_MEBIBYTES),
            ProcessRemedies.mpsWatermark(),
            ProcessRemedies.fixedMalloc());

    private Remedies() {}

    /** Every remedy once. */
    public static List<Remedy> all() {
        return ALL;
    }

    /**
     * The remedy of that name, in any case: {@code "gradient checkpointing"}.
     *
     * @throws IllegalArgumentException if there is none; the message lists the names
     */
    public static Remedy byName(String name) {
        String wanted = name == null ? "" : name.strip();
        return ALL.stream()
                .filter(remedy -> remedy.name().equalsIgnoreCase(wanted))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no remedy is called \"" + name + "\". There are: "
                        + ALL.stream().map(Remedy::name).collect(Collectors.joining(", "))
                        + "."));
    }

    /** The remedies that apply to a workload, the largest predicted saving first, those without an estimate last. */
    public static List<Remedy> applicableTo(Workload workload) {
        return ALL.stream()
                .filter(remedy -> remedy.appliesTo(workload))
                .sorted(Comparator.comparingLong((Remedy remedy) ->
                                remedy.saving(workload).map(Saving::bytes).orElse(Long.MIN_VALUE))
                        .reversed())
                .toList();
    }

    /** A batch of this many samples. */
    public static Remedy batch(long samples) {
        return WorkloadRemedies.batch(positive("batch", samples));
    }

    /**
     * The largest batch that is predicted to fit a limit.
     *
     * @throws IllegalArgumentException if not even one sample fits; says what is left to try
     */
    public static Remedy batchThatFits(Workload workload, long limitBytes) {
        OptionalLong batch = Solver.largestBatch(workload, limitBytes);
        if (batch.isEmpty()) {
            String rest = ALL.stream()
                    .filter(Remedy::changesWorkload)
                    .filter(remedy -> !remedy.name().equals("smaller batch") && remedy.appliesTo(workload.batch(1)))
                    .filter(remedy -> remedy.saving(workload.batch(1))
                            .filter(saving -> saving.bytes() > 0)
                            .isPresent())
                    .map(Remedy::name)
                    .collect(Collectors.joining(", "));
            throw new IllegalArgumentException("not even a batch of 1 fits "
                    + io.headroom.units.Bytes.format(limitBytes) + ". What is left to try: " + rest + ".");
        }
        return WorkloadRemedies.batch(batch.getAsLong());
    }

    /** The batch in this many micro-batches, one update. */
    public static Remedy accumulate(long steps) {
        return WorkloadRemedies.accumulation(positive("accumulation steps", steps));
    }

    /** Gradient checkpointing in this many segments. */
    public static Remedy checkpointing(long segments) {
        return WorkloadRemedies.checkpointing(positive("segments", segments));
    }

    /** Attention in this many chunks of queries. */
    public static Remedy chunkedAttention(long chunks) {
        return WorkloadRemedies.chunkedAttention(positive("chunks", chunks));
    }

    /** fp16 activations with fp32 weights. */
    public static Remedy halfPrecision() {
        return WorkloadRemedies.halfPrecision();
    }

    /**
     * Another precision.
     *
     * @throws IllegalArgumentException for bfloat16, on which DJL 0.35.1 ends the whole process
     */
    public static Remedy precision(Precision precision) {
        if (precision == Precision.AUTOCAST || precision == Precision.FP16) {
            return WorkloadRemedies.halfPrecision();
        }
        throw new IllegalArgumentException(
                precision == Precision.BF16
                        ? "precision = bf16: DJL 0.35.1 ends the whole process on bfloat16 arrays. Use fp16."
                        : "precision = fp32 is no remedy: it is the precision with the most bytes. Use fp16.");
    }

    /** LoRA adapters of this rank. */
    public static Remedy lora(int rank) {
        return WorkloadRemedies.lora((int) positive("rank", rank));
    }

    /** Sequences of this length. */
    public static Remedy seq(long positions) {
        return WorkloadRemedies.sequence(positive("seq", positions));
    }

    /** This many nodes in each sample. */
    public static Remedy nodes(long nodes) {
        return WorkloadRemedies.nodes(positive("nodes", nodes));
    }

    /** This many centre nodes instead of twelve, as in case 2; their neighbours go with them. */
    public static Remedy centreNodes(long centres) {
        return WorkloadRemedies.centreNodes(positive("centre nodes", centres));
    }

    /** A model of this width. */
    public static Remedy width(long dModel) {
        return WorkloadRemedies.width(positive("d_model", dModel));
    }

    /** At most this many batches ready beside the one in work. */
    public static Remedy prefetch(long batches) {
        if (batches < 0) {
            throw new IllegalArgumentException("prefetch = " + batches + ": use 0 (none ready) or more.");
        }
        return WorkloadRemedies.loader(batches);
    }

    private static long positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " = " + value + ": must be at least 1.");
        }
        return value;
    }
}

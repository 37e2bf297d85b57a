package io.headroom.remedy;

import io.headroom.remedy.Cost.Accuracy;
import io.headroom.remedy.Cost.Risk;
import io.headroom.workload.Architecture;
import io.headroom.workload.Attention;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/** The remedies that make another workload; a setting of 0 means: chosen for the workload. */
final class WorkloadRemedies {
    private static final long CENTRES = 12;
    private static final int LORA_RANK = 8;

    private WorkloadRemedies() {}

    static Remedy batch(long wanted) {
        ToLongFunction<Workload> batch = work -> wanted > 0 ? wanted : Math.max(1, work.batch() / 2);
        return new Change(
                "smaller batch",
                wanted > 0 ? "batch " + wanted : "half",
                "Fewer samples go through the model at once; activations shrink in proportion.",
                new Cost(
                        Double.NaN,
                        Accuracy.SIMILAR,
                        Risk.NONE,
                        "Each step is shorter, more of them make an epoch; the gradient is noisier."),
                work -> work.batch() == 1
                        ? "the batch is 1 already"
                        : batch.applyAsLong(work) >= work.batch()
                                ? "batch " + wanted + " is not below the present " + work.batch()
                                : null,
                work -> work.batch(batch.applyAsLong(work))
                        .accumulation(Math.min(work.accumulation(), batch.applyAsLong(work))),
                work -> Code.model("// batches of " + batch.applyAsLong(work) + " instead of " + work.batch()
                        + "\ndataset = new ArrayDataset.Builder().setData(data).optLabels(labels).setSampling("
                        + batch.applyAsLong(work) + ", true).build();"));
    }

    static Remedy accumulation(long wanted) {
        ToLongFunction<Workload> steps = work -> wanted > 0 ? wanted : smallestDivisorAbove(work.batch(), 4);
        return new Change(
                "gradient accumulation",
                wanted > 0 ? wanted + " micro-batches" : "",
                "The batch goes through the model in micro-batches and the weights are updated once, after the last.",
                new Cost(
                        1,
                        Accuracy.SAME,
                        Risk.NONE,
                        "The gradients of the whole batch, unless a layer mixes samples as batch norm does."),
                work -> trainingOnly(
                        work,
                        () -> work.batch() == 1
                                ? "the batch is 1 already and cannot be split"
                                : work.accumulation() > 1
                                        ? "the batch is split into " + work.accumulation() + " micro-batches already"
                                        : work.batch() % steps.applyAsLong(work) != 0
                                                ? steps.applyAsLong(work) + " steps do not divide the batch of "
                                                        + work.batch()
                                                : null),
                work -> work.accumulation(steps.applyAsLong(work)),
                work -> Code.step(
                        "// instead of EasyTrain.trainBatch(trainer, batch):\nMicroBatches.train(trainer, batch, "
                                + steps.applyAsLong(work) + ");\ntrainer.step();"));
    }

    static Remedy checkpointing(long wanted) {
        ToLongFunction<Workload> segments = work -> wanted > 0 ? wanted : work.layers();
        return new Change(
                "gradient checkpointing",
                wanted > 0 ? wanted + (wanted == 1 ? " segment" : " segments") : "a segment for each layer",
                "Only the input of each segment of layers is kept; the rest is computed again in the backward pass.",
                new Cost(
                        1.33,
                        Accuracy.SAME,
                        Risk.NONE,
                        "One more forward pass: a third more time where backward takes twice forward's."),
                work -> trainingOnly(work, () -> work.checkpointing() > 0 ? "checkpointing is on already" : null),
                work -> work.checkpointing(segments.applyAsLong(work)),
                work -> Code.model("model.setBlock(Checkpointing.of(model.getBlock(), " + segments.applyAsLong(work)
                                + "));")
                        .withTrainer(""));
    }

    static Remedy halfPrecision() {
        return new Change(
                "half precision",
                "",
                "Activations are computed and kept in fp16; weights, gradients and optimizer state stay fp32, the loss is"
                        + " scaled.",
                new Cost(
                        Double.NaN,
                        Accuracy.SIMILAR,
                        Risk.LOW,
                        "Faster on GPUs with half-precision units, slower on CPUs without; steps whose gradients overflow"
                                + " are skipped and told."),
                work -> {
                    if (work.precision() != Precision.FP32) {
                        return "the precision is "
                                + Option.PRECISION
                                        .choices()
                                        .get(work.precision().ordinal()) + " already";
                    }
                    return work.architecture() == Architecture.LSTM
                            ? "DJL's LSTM makes its states in fp32, and the engine refuses them beside fp16 weights"
                            : null;
                },
                work -> work.precision(Precision.AUTOCAST),
                work -> Code.trainer(".halfPrecision()"));
    }

    static Remedy lora(int wanted) {
        int rank = wanted > 0 ? wanted : LORA_RANK;
        return new Change(
                "LoRA",
                "rank " + rank,
                "The weights are frozen; small matrices beside the attention's linear layers are trained instead, so"
                        + " gradients and optimizer state nearly vanish.",
                new Cost(
                        1,
                        Accuracy.MAY_FALL,
                        Risk.LOW,
                        "Trains less than 1 % of the weights: for fine-tuning a trained model, not for training from nothing"
                                + " (Hu et al. 2021, arXiv 2106.09685)."),
                work -> transformerOnly(
                        work, () -> trainingOnly(work, () -> work.loraRank() > 0 ? "LoRA is on already" : null)),
                work -> work.loraRank(rank),
                work -> Code.model("Lora lora = Lora.of(model.getBlock(), " + rank
                                + ");      // before the trainer is made")
                        .withAfter("lora.save(Path.of(\"adapter.safetensors\"));\nlora.merge();"));
    }

    static Remedy chunkedAttention(long wanted) {
        return new Change(
                "chunked attention",
                wanted > 0 ? wanted + " chunks" : "",
                "The seq × seq scores are computed for a slice of the queries at a time and again in the backward pass, so one"
                        + " slice of them lives at a time.",
                new Cost(
                        1.2,
                        Accuracy.SAME,
                        Risk.NONE,
                        "The scores are computed twice in training (Rabe and Staats 2021, arXiv 2112.05682)."),
                work -> transformerOnly(
                        work, () -> work.attention() != Attention.EAGER ? "the attention is not eager" : null),
                work -> (wanted > 0 ? work.with(Option.CHUNKS, wanted) : work).attention(Attention.CHUNKED),
                work -> Code.model("ChunkedAttention.of(model.getBlock(), "
                                + (wanted > 0 ? wanted : work.number(Option.CHUNKS)) + ");")
                        .withTrainer(""));
    }

    static Remedy sequence(long wanted) {
        ToLongFunction<Workload> seq = work -> wanted > 0 ? wanted : Math.max(1, work.seq() / 2);
        return new Change(
                "shorter sequences",
                wanted > 0 ? "seq " + wanted : "half",
                "Inputs are cut to fewer positions: activations shrink in proportion, attention scores with the square.",
                new Cost(Double.NaN, Accuracy.MAY_FALL, Risk.LOW, "Faster; what is cut off is not seen."),
                work -> !work.has(Option.SEQ)
                        ? "the workload has no sequences"
                        : seq.applyAsLong(work) >= work.seq()
                                ? "seq " + seq.applyAsLong(work) + " is not below the present " + work.seq()
                                : null,
                work -> work.seq(seq.applyAsLong(work)),
                work -> Code.step("NDArray shorter = input.get(\":, :" + seq.applyAsLong(work) + "\");"));
    }

    static Remedy nodes(long wanted) {
        return fewerNodes(
                "fewer nodes",
                wanted > 0 ? wanted + " a sample" : "half",
                work -> wanted > 0 ? wanted : Math.max(1, work.nodes() / 2));
    }

    static Remedy centreNodes(long centres) {
        return fewerNodes(
                "fewer centre nodes",
                centres + " of " + CENTRES,
                work -> Math.max(1, work.nodes() * centres / CENTRES));
    }

    private static Remedy fewerNodes(String name, String setting, ToLongFunction<Workload> nodes) {
        return new Change(
                name,
                setting,
                "Each sample brings fewer graph nodes, so fewer sequences go through the model at once.",
                new Cost(Double.NaN, Accuracy.MAY_FALL, Risk.LOW, "Faster; each sample sees less of its graph."),
                work -> !work.architecture().has(Option.NODES) || work.nodes() == 1
                        ? "the workload has one node a sample"
                        : nodes.applyAsLong(work) >= work.nodes()
                                ? nodes.applyAsLong(work) + " nodes are not fewer than the present " + work.nodes()
                                : null,
                work -> withNodes(work, nodes.applyAsLong(work)),
                work -> Code.model(
                        "// sample " + nodes.applyAsLong(work) + " nodes (centres and neighbours) instead of "
                                + work.nodes() + " where the graph batch is made"));
    }

    /** As many edges for each node as before. */
    private static Workload withNodes(Workload work, long nodes) {
        long edges = work.number(Option.EDGES);
        return edges == 0
                ? work.nodes(nodes)
                : work.nodes(nodes).edges(Math.max(1, (long) ((double) edges / work.nodes() * nodes)));
    }

    static Remedy width(long wanted) {
        ToLongFunction<Workload> width = work -> wanted > 0 ? wanted : work.dModel() / 2;
        return new Change(
                "smaller width",
                wanted > 0 ? "d_model " + wanted : "half",
                "A narrower model: weights fall with the square, activations in proportion, attention scores not at all.",
                new Cost(
                        Double.NaN,
                        Accuracy.MAY_FALL,
                        Risk.LOW,
                        "Faster; another, weaker model to train from nothing."),
                work -> width.applyAsLong(work) < 1 || width.applyAsLong(work) >= work.dModel()
                        ? "d_model " + width.applyAsLong(work) + " is not below the present " + work.dModel()
                        : null,
                work -> work.dModel(width.applyAsLong(work)),
                work -> Code.model(narrower(work.dModel(width.applyAsLong(work)))));
    }

    private static String narrower(Workload work) {
        return switch (work.architecture()) {
            case TRANSFORMER ->
                "Block layer = new TransformerEncoderBlock(" + work.dModel() + ", " + work.heads() + ", " + work.ff()
                        + ", " + work.dropout() + "f, Activation::relu);";
            case LSTM ->
                "Block layer = LSTM.builder().setStateSize(" + work.dModel() + ").setNumLayers(" + work.layers()
                        + ").build();";
            case CNN ->
                "Block layer = Conv2d.builder().setFilters(" + work.dModel()
                        + ").setKernelShape(new Shape(3, 3)).build();";
            case GAT -> "// d_model " + work.dModel() + " where the graph attention layers are made";
            default -> "Block layer = Linear.builder().setUnits(" + work.dModel() + ").build();";
        };
    }

    static Remedy loader(long wanted) {
        return new Change(
                "bounded loader",
                "prefetch " + wanted,
                "At most " + wanted + " batches wait beside the one in work.",
                new Cost(Double.NaN, Accuracy.SAME, Risk.NONE, "The device may wait for data when loading is slow."),
                work -> work.batchesAhead() <= wanted
                        ? "the loader holds " + work.batchesAhead() + " batches ready, no more"
                        : null,
                work -> (work.number(Option.WORKERS) == 0 ? work : work.with(Option.WORKERS, 0))
                        .with(Option.PREFETCH, wanted),
                work -> Code.model("dataset = builder.optPrefetchNumber(" + wanted
                        + ").build();      // DJL loads ahead only with config.optExecutorService(…)"));
    }

    private static long smallestDivisorAbove(long batch, long least) {
        for (long steps = Math.min(least, batch); steps < batch; steps++) {
            if (batch % steps == 0) {
                return steps;
            }
        }
        return Math.max(1, batch);
    }

    private static String trainingOnly(Workload work, Supplier<String> obstacle) {
        return work.isInference() ? "nothing is trained: the workload is inference" : obstacle.get();
    }

    private static String transformerOnly(Workload work, Supplier<String> obstacle) {
        return work.architecture() == Architecture.TRANSFORMER
                ? obstacle.get()
                : "the model is no transformer: there are no attention layers";
    }
}

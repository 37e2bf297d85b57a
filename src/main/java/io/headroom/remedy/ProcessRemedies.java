package io.headroom.remedy;

import io.headroom.budget.Device;
import io.headroom.memory.Reading;
import io.headroom.remedy.Cost.Accuracy;
import io.headroom.remedy.Cost.Risk;
import io.headroom.workload.Workload;
import java.util.function.BiFunction;
import java.util.function.Function;

/** The remedies of the process, the data and the loop: the workload stays, its surroundings shrink. */
final class ProcessRemedies {
    private ProcessRemedies() {}

    static Remedy release() {
        return of(
                "release between models",
                "Model, data and predictions of one stage are closed before the next is loaded, and the cache is emptied.",
                new Cost(1, Accuracy.SAME, Risk.NONE, "Loading the model again costs its load time."),
                work -> null,
                "release(age);          // closes the model, collects, empties the cache; tells what came back\n"
                        + "predictions.close();",
                Predictions::heldByManagers);
    }

    static Remedy copySamples() {
        return of(
                "copy instead of reference",
                "A data set hands out copies that the batch owns, so that closing the batch frees the sample.",
                new Cost(1.01, Accuracy.SAME, Risk.NONE, "One copy of each sample."),
                work -> null,
                "ReferenceCheck.of(dataset, manager).throwIfAny();    // finds samples that share or outlive their batch\n"
                        + "return new ai.djl.training.dataset.Record(new NDList(sample.duplicate()), new NDList(label.duplicate()));",
                Predictions::batchKept);
    }

    static Remedy dropIntermediates() {
        return of(
                "intermediates dropped early",
                "Arrays that are used for the last time (skip connections, trajectories, logged losses) are closed there.",
                new Cost(1, Accuracy.SAME, Risk.LOW, "An array closed too early is an error that names it."),
                work -> null,
                "try (NDManager scope = manager.newSubManager()) {      // everything made in it is freed at the brace\n"
                        + "    data.tempAttach(scope);\n    // …\n}",
                notTold("which arrays outlive their use shows in their growth: a monitor's leaks()"));
    }

    static Remedy float32Histories() {
        return of(
                "float32 histories",
                "Losses and metrics kept over a run are stored as plain floats, not as float64 arrays on the device.",
                new Cost(1, Accuracy.SAME, Risk.NONE, "Seven digits instead of sixteen."),
                work -> null,
                "FloatHistory losses = new FloatHistory();\nlosses.add(loss);          // takes the number, lets the array go",
                Predictions::halfOfFloat64);
    }

    static Remedy emptyCache(int batches) {
        return of(
                "emptied cache",
                "Every " + batches
                        + " batches and at epoch borders, memory the allocator keeps for itself goes back to the"
                        + " system; live arrays never do.",
                new Cost(1.02, Accuracy.SAME, Risk.NONE, "The next allocations ask the system again."),
                work -> null,
                "config.addTrainingListeners(new CacheEmptying(" + batches + "));",
                Predictions::keptByMalloc);
    }

    static Remedy freezing() {
        return of(
                "frozen layers",
                "Layers that are not trained need no gradient and no optimizer state.",
                new Cost(0.8, Accuracy.MAY_FALL, Risk.LOW, "Only the rest learns: for fine-tuning."),
                work -> work.isInference() ? "nothing is trained: the workload is inference" : null,
                "Freezing.allBut(model.getBlock(), \"head\");",
                Predictions::frozen);
    }

    static Remedy shrinkingBatch() {
        return of(
                "shrinking batch",
                "After an out-of-memory error the step is tried again with the batch that is predicted to fit, and the user"
                        + " is told.",
                new Cost(Double.NaN, Accuracy.SIMILAR, Risk.LOW, "A failed attempt costs its own time, once."),
                work -> work.batch() == 1 ? "the batch is 1 already" : null,
                "ShrinkingBatch shrinking = ShrinkingBatch.from(64);\n"
                        + "shrinking.train(trainer, batch);       // instead of EasyTrain.trainBatch(trainer, batch)",
                Predictions::largestThatFits);
    }

    static Remedy buckets() {
        return of(
                "bucketed sequences",
                "Samples of similar length share a batch, so little padding is stored and long ones come in small batches.",
                new Cost(Double.NaN, Accuracy.SIMILAR, Risk.NONE, "Faster; the order within an epoch is less random."),
                work -> work.has(io.headroom.workload.Option.SEQ) ? null : "the workload has no sequences",
                "dataset = builder.setSampling(BucketSampler.of(lengths, 8192)).build();",
                notTold("it depends on the samples' lengths: BucketSampler.of(lengths, tokens).mostTokens()"));
    }

    static Remedy cpu() {
        return of(
                "CPU instead of the device",
                "The model runs in main memory, which has no GPU limit.",
                new Cost(7.5, Accuracy.SAME, Risk.NONE, "5 to 10 times slower (claim of case 1's author)."),
                work -> isCpu(work) ? "it runs on the CPU already" : null,
                "Model model = Model.newInstance(\"model\", Device.cpu());",
                Predictions::wholeDevice);
    }

    static Remedy expandableSegments() {
        return of(
                "expandable segments",
                "The CUDA allocator grows its segments instead of adding new ones, so fewer holes stay behind.",
                new Cost(
                        1,
                        Accuracy.SAME,
                        Risk.LOW,
                        "Read when the engine starts: set it in the kernel's profile, then restart."),
                ProcessRemedies::cudaOnly,
                "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",
                Predictions::holes);
    }

    static Remedy maxSplitSize(int mebibytes) {
        return of(
                "max_split_size_mb",
                "Blocks above " + mebibytes + " MiB are never split, so large holes stay whole.",
                new Cost(
                        1.02,
                        Accuracy.SAME,
                        Risk.LOW,
                        "Read when the engine starts: set it in the kernel's profile, then restart."),
                ProcessRemedies::cudaOnly,
                "PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:" + mebibytes,
                Predictions::holes);
    }

    static Remedy mpsWatermark() {
        return of(
                "MPS high watermark",
                "Lifts PyTorch's own limit on Apple's GPU memory.",
                new Cost(
                        1,
                        Accuracy.SAME,
                        Risk.HIGH,
                        "0.0 means no limit: it may starve or crash the system; only above 32 GB of memory. A ratio below 1.4 needs"
                                + " PYTORCH_MPS_LOW_WATERMARK_RATIO set too."),
                work -> Predictions.kind(work) == Device.Kind.MPS
                        ? null
                        : "it is a setting of Apple's MPS backend, the workload runs on " + work.device(),
                "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0",
                (work, reading) -> Prediction.of(0, "it moves the limit, not the need"));
    }

    static Remedy fixedMalloc() {
        return of(
                "fixed malloc thresholds",
                "glibc maps large arrays one by one and gives them back when closed, so a closed array is free memory.",
                new Cost(
                        1.45,
                        Accuracy.SAME,
                        Risk.NONE,
                        "More page faults: a step of 0.33–0.41 s became 0.5–0.66 s in a prototype."),
                work -> isCpu(work) ? null : "it is a setting of the CPU's allocator",
                "MALLOC_MMAP_THRESHOLD_=65536\nMALLOC_TRIM_THRESHOLD_=65536",
                Predictions::keptByMalloc);
    }

    private static Remedy of(
            String name,
            String what,
            Cost cost,
            Function<Workload, String> precondition,
            String code,
            BiFunction<Workload, Reading, Prediction> prediction) {
        return new Change(name, "", what, cost, precondition, null, work -> Code.model(code), prediction);
    }

    private static String cudaOnly(Workload work) {
        return Predictions.kind(work) == Device.Kind.CUDA
                ? null
                : "it is a setting of the CUDA allocator, the workload runs on " + work.device();
    }

    private static boolean isCpu(Workload work) {
        return Predictions.kind(work) == Device.Kind.CPU;
    }

    private static BiFunction<Workload, Reading, Prediction> notTold(String why) {
        return (work, reading) -> Prediction.notTold(why);
    }
}

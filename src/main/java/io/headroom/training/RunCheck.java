package io.headroom.training;

import io.headroom.workload.Architecture;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Sharding;
import io.headroom.workload.Workload;
import io.headroom.workload.ZeroGrad;
import java.util.Locale;

/** Refuses what a step in DJL would silently leave out, so that a measurement is of the workload it names. */
final class RunCheck {
    private RunCheck() {}

    static void check(Workload workload) {
        checkPrecision(workload);
        checkRecurrent(workload);
        checkModel(workload);
        checkLoop(workload);
    }

    private static void checkPrecision(Workload workload) {
        refuse(
                workload.precision() == Precision.BF16,
                "precision = bf16: DJL 0.35.1 ends the whole process on bfloat16 arrays, so"
                        + " it is estimated but not run here. Use fp32 or autocast.");
        refuse(
                workload.precision() == Precision.FP16
                        && !workload.isInference()
                        && dividesByEpsilon(workload.optimizer()),
                "precision = fp16 with optimizer = " + lower(workload.optimizer())
                        + ": DJL divides by √v + 1e-8, which is zero in"
                        + " fp16 where gradients are small, and weights become NaN, so it is estimated but not run. Use sgd or"
                        + " momentum, or autocast: fp16 compute over fp32 weights.");
    }

    private static boolean dividesByEpsilon(OptimizerKind optimizer) {
        return optimizer == OptimizerKind.ADAM || optimizer == OptimizerKind.ADAMW;
    }

    private static void checkRecurrent(Workload workload) {
        refuse(
                workload.architecture() == Architecture.LSTM && workload.precision() != Precision.FP32,
                "precision = " + lower(workload.precision())
                        + ": DJL makes an LSTM's states in fp32 and the engine refuses them beside fp16 weights,"
                        + " so it is estimated but not run. Use fp32.");
    }

    private static void checkModel(Workload workload) {
        refuse(
                workload.number(Option.EDGES) > 0,
                "edges = " + workload.edges() + ": DJL cannot add up what edges bring to a node, so a layer of edges is"
                        + " estimated but not run. Leave edges out for a dense one.");
        if (!workload.architecture().has(Option.ATTENTION)) {
            return;
        }
        refuse(
                workload.attention() == Attention.SDPA,
                "attention = sdpa: DJL has no fused attention, so it is estimated but not run."
                        + " Use chunked, which needs as little.");
        refuse(
                workload.vocab() > 0,
                "vocab = " + workload.vocab() + ": the block that runs has no embedding or language-model head, so a"
                        + " model of tokens is estimated but not run. Use vocab = 0 with features.");
        refuse(
                workload.kvHeads() != workload.heads(),
                "kv_heads = " + workload.kvHeads() + " with heads = " + workload.heads() + ": DJL's attention has a key"
                        + " head for each query head, so grouped-query attention is estimated but not run. Leave"
                        + " kv_heads out.");
        refuse(
                workload.flag(Option.TIED),
                "tied = true: the block that runs has no embedding to share, so it is estimated but not run."
                        + " Leave tied out.");
    }

    private static void checkLoop(Workload workload) {
        long tokens = workload.number(Option.NEW_TOKENS);
        refuse(
                tokens > 0,
                "new_tokens = " + tokens + ": the run is one forward pass without a KV cache, so generation is"
                        + " estimated but not run. Use new_tokens = 0.");
        Sharding sharding = (Sharding) workload.get(Option.SHARDING);
        long devices = workload.number(Option.DEVICES);
        refuse(
                sharding != Sharding.NONE || devices > 1,
                "sharding = " + lower(sharding) + ", devices = " + devices + ": the run is on one device, so a shared"
                        + " step is estimated but not run. Use sharding = none and devices = 1.");
        refuse(
                workload.batchesAhead() > 0,
                "workers = " + workload.number(Option.WORKERS) + ", prefetch = " + workload.number(Option.PREFETCH)
                        + ": the run makes its own data and holds no batch ready, so a loader is"
                        + " estimated but not run. Use prefetch = 0.");
        if (!workload.isInference()) {
            checkUpdate(workload);
        }
    }

    private static void checkUpdate(Workload workload) {
        refuse(
                !workload.optimizer().runsInDjl(),
                "optimizer = " + lower(workload.optimizer())
                        + ": DJL's PyTorch engine has no update for it, so it is estimated but not run. Use sgd, momentum,"
                        + " adam or adamw.");
        refuse(
                workload.flag(Option.FOREACH),
                "foreach = true: DJL updates one weight at a time, so it is estimated but not run. Leave foreach out.");
        refuse(
                workload.zeroGrad() != ZeroGrad.IN_PLACE,
                "zero_grad = " + lower(workload.zeroGrad())
                        + ": DJL keeps the gradients' memory and zeroes it, so it is estimated but not run. Use"
                        + " in_place.");
    }

    private static void refuse(boolean wrong, String message) {
        if (wrong) {
            throw new IllegalArgumentException(message);
        }
    }

    private static String lower(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }
}

package io.headroom.workload;

import io.headroom.units.Bytes;
import java.util.Locale;

/** What must hold between the options of a workload. */
final class Validation {
    private Validation() {}

    static void check(Workload step) {
        if (step.architecture() == Architecture.TRANSFORMER) {
            checkTransformer(step);
        }
        if (step.accumulation() > step.batch()) {
            throw new IllegalArgumentException("accumulation = " + step.accumulation() + " but batch = " + step.batch()
                    + ": a batch cannot be split into more micro-batches than it has samples.");
        }
        if (step.isInference() && step.checkpointing() > 0) {
            throw new IllegalArgumentException("checkpointing = " + step.checkpointing()
                    + " with inference: nothing is kept for a backward pass, so leave it out.");
        }
        if (step.checkpointing() > step.layers()) {
            throw new IllegalArgumentException("checkpointing = " + step.checkpointing() + " segments but layers = "
                    + step.layers() + ": use at most one segment for each layer.");
        }
        checkTensorParallel(step);
        if (step.isOwnBlock()) {
            Bytes.times(step.inputShape().size(), 4);
            return;
        }
        Bytes.times(step.sequences(), step.seq(), Math.max(step.dModel(), step.ff()), 4, step.layers());
    }

    private static void checkTensorParallel(Workload step) {
        long devices = step.number(Option.DEVICES);
        if (step.get(Option.SHARDING) != Sharding.TENSOR || devices == 1) {
            return;
        }
        if (step.architecture() != Architecture.TRANSFORMER) {
            throw new IllegalArgumentException("sharding = tensor divides attention heads and feed-forward, which a "
                    + step.architecture().name().toLowerCase(Locale.ROOT)
                    + " has not: use ddp, zero1, zero2 or zero3.");
        }
        if (step.heads() % devices != 0) {
            throw new IllegalArgumentException("devices = " + devices + " does not divide heads = " + step.heads()
                    + ": with sharding = tensor each device takes as many heads. Try devices = "
                    + nearestDivisor(step.heads(), devices) + ".");
        }
    }

    private static void checkTransformer(Workload step) {
        if (step.dModel() % step.heads() != 0) {
            throw new IllegalArgumentException("heads = " + step.heads() + " does not divide d_model = " + step.dModel()
                    + ": each head takes d_model / heads values. Try heads = "
                    + nearestDivisor(step.dModel(), step.heads())
                    + ".");
        }
        if (step.heads() % step.kvHeads() != 0) {
            throw new IllegalArgumentException("kv_heads = " + step.kvHeads() + " does not divide heads = "
                    + step.heads() + ": every key head serves the same number of query heads.");
        }
        if (step.flag(Option.TIED) && step.vocab() == 0) {
            throw new IllegalArgumentException(
                    "tied = true with vocab = 0: the input is numbers, so there is no embedding"
                            + " whose weights the head could share. Set vocab, or leave tied out.");
        }
        long positions = step.number(Option.POSITIONS);
        if (positions > 0 && step.seq() > positions) {
            throw new IllegalArgumentException("seq = " + step.seq() + " is beyond the position table of " + positions
                    + " rows: shorten the sequence or set positions = " + step.seq() + ".");
        }
        if (step.loraRank() > step.dModel()) {
            throw new IllegalArgumentException("lora_rank = " + step.loraRank() + " is above the width d_model = "
                    + step.dModel() + ": an adapter of that rank is larger than the matrix. Use 4 to 64.");
        }
        Bytes.times(step.sequences(), step.heads(), step.seq(), step.seq(), 4, step.layers());
    }

    private static long nearestDivisor(long width, long heads) {
        for (long less = Math.min(Math.min(heads, width), 4096); less > 1; less--) {
            if (width % less == 0) {
                return less;
            }
        }
        return 1;
    }
}

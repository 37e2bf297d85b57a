package io.headroom.workload;

import io.headroom.units.Bytes;
import java.util.Locale;

/** What must hold between the options of a workload. */
final class Validation {
    private static final long MOST_LAYERS = 10_000;

    private Validation() {}

    static void check(Workload step) {
        checkLoop(step);
        checkSharding(step);
        if (step.isOwnBlock()) {
            Bytes.times(step.inputShape().size(), 4);
            return;
        }
        if (step.layers() > MOST_LAYERS) {
            throw new IllegalArgumentException("layers = " + step.layers() + ": an estimate plays every layer, up to "
                    + MOST_LAYERS + ". Use fewer.");
        }
        checkFrozen(step);
        switch (step.architecture()) {
            case TRANSFORMER -> checkTransformer(step);
            case GAT -> checkGraph(step);
            case CNN -> checkImage(step);
            default -> {}
        }
        long widest = step.has(Option.FF) ? Math.max(step.dModel(), step.ff()) : step.dModel();
        Bytes.times(step.sequences(), step.has(Option.SEQ) ? step.seq() : 1, widest, 4, step.layers());
    }

    private static void checkFrozen(Workload step) {
        long frozen = step.frozenLayers();
        if (frozen > step.layers()) {
            throw new IllegalArgumentException("frozen_layers = " + frozen + " but layers = " + step.layers()
                    + ": freeze at most all of them, which trains the head alone.");
        }
        if (frozen == 0 || step.architecture() != Architecture.TRANSFORMER) {
            return;
        }
        if (step.loraRank() > 0) {
            throw new IllegalArgumentException("frozen_layers = " + frozen + " with lora_rank = " + step.loraRank()
                    + ": adapters are trained in every layer and all else is frozen already. Leave one of them out.");
        }
        if (step.flag(Option.TIED) && frozen == step.layers()) {
            throw new IllegalArgumentException("frozen_layers = " + frozen + " of layers = " + step.layers()
                    + " with tied = true: the head's weights are the embedding's, which is frozen, so nothing is trained."
                    + " Freeze fewer layers, or leave tied out.");
        }
    }

    private static void checkLoop(Workload step) {
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
    }

    private static void checkSharding(Workload step) {
        long devices = step.number(Option.DEVICES);
        if (devices == 1) {
            return;
        }
        if (step.get(Option.SHARDING) == Sharding.NONE) {
            throw new IllegalArgumentException("devices = " + devices + " with sharding = none: say what they share,"
                    + " sharding = ddp, zero1, zero2, zero3 or tensor, or leave devices out.");
        }
        if (step.get(Option.SHARDING) != Sharding.TENSOR) {
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
        checkHeads(step);
        if (step.heads() % step.kvHeads() != 0) {
            throw new IllegalArgumentException("kv_heads = " + step.kvHeads() + " does not divide heads = "
                    + step.heads() + ": every key head serves the same number of query heads.");
        }
        if (step.flag(Option.TIED) && step.vocab() == 0) {
            throw new IllegalArgumentException(
                    "tied = true with vocab = 0: the input is numbers, so there is no embedding"
                            + " whose weights the head could share. Set vocab, or leave tied out.");
        }
        checkPositions(step);
        if (step.loraRank() > step.dModel()) {
            throw new IllegalArgumentException("lora_rank = " + step.loraRank() + " is above the width d_model = "
                    + step.dModel() + ": an adapter of that rank is larger than the matrix. Use 4 to 64.");
        }
        long generated = step.number(Option.NEW_TOKENS);
        if (generated > 0 && !step.isInference()) {
            throw new IllegalArgumentException("new_tokens = " + generated
                    + " in training: tokens are generated in inference alone. Set inference, or leave new_tokens out.");
        }
        Bytes.times(step.sequences(), step.heads(), step.seq(), step.seq(), 4, step.layers());
        Bytes.times(step.sequences(), Bytes.plus(step.seq(), generated), step.dModel(), 2, 4, step.layers());
    }

    private static void checkPositions(Workload step) {
        long positions = step.number(Option.POSITIONS);
        long generated = step.isInference() ? step.number(Option.NEW_TOKENS) : 0;
        long last = Bytes.plus(step.seq(), generated);
        if (positions > 0 && last > positions) {
            throw new IllegalArgumentException("seq = " + step.seq()
                    + (generated > 0 ? " and new_tokens = " + generated + " together are" : " is")
                    + " beyond the position table of " + positions + " rows: shorten the sequence or set positions = "
                    + last + ".");
        }
    }

    private static void checkGraph(Workload step) {
        checkHeads(step);
        long pairs = Bytes.times(step.nodes(), step.nodes());
        if (step.edges() > pairs) {
            throw new IllegalArgumentException("edges = " + step.edges() + " with nodes = " + step.nodes()
                    + ": a graph has at most nodes × nodes = " + pairs + " edges, loops included.");
        }
        Bytes.times(step.sequences(), step.heads(), step.edges() == 0 ? pairs : step.edges(), 4, step.layers());
        Bytes.times(step.sequences(), step.nodes(), step.dModel(), 4, step.layers());
    }

    private static void checkHeads(Workload step) {
        if (step.dModel() % step.heads() != 0) {
            throw new IllegalArgumentException("heads = " + step.heads() + " does not divide d_model = " + step.dModel()
                    + ": each head takes d_model / heads values. Try heads = "
                    + nearestDivisor(step.dModel(), step.heads())
                    + ".");
        }
    }

    /** Each layer halves the image and doubles the channels. */
    private static void checkImage(Workload step) {
        if (step.layers() > Long.SIZE - 2 || step.image() >> step.layers() == 0) {
            throw new IllegalArgumentException("image = " + step.image() + " with layers = " + step.layers()
                    + ": each layer halves the image, so nothing is left of it. Use a larger image or fewer layers.");
        }
        Bytes.times(step.dModel(), 1L << step.layers());
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

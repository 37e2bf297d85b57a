package io.headroom.training;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import io.headroom.workload.Architecture;
import io.headroom.workload.Attention;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.List;

/** A workload's block with what the workload switches on: adapters, chunks, segments, half precision. */
final class Variant {
    private final Block block;
    private final ParameterStore store;
    private final HalfPrecision half;

    /**
     * Changes an initialized block in place where the workload asks for it.
     *
     * @throws IllegalArgumentException if a setting does not fit the block, as the remedy's own class says
     */
    Variant(Workload workload, Block plain, NDManager manager) {
        if (workload.architecture().has(Option.LORA_RANK) && workload.loraRank() > 0) {
            Lora.of(plain, (int) workload.loraRank());
        }
        freeze(workload, plain);
        if (workload.architecture().has(Option.ATTENTION) && workload.attention() == Attention.CHUNKED) {
            ChunkedAttention.of(plain, (int) workload.number(Option.CHUNKS));
        }
        block = workload.checkpointing() > 0 ? Checkpointing.of(plain, (int) workload.checkpointing()) : plain;
        store = new ParameterStore(manager, false);
        half = workload.precision() == Precision.AUTOCAST ? new HalfPrecision(manager) : null;
    }

    /** The first layers of a block that was built from sizes, with the projection of the input. */
    private static void freeze(Workload workload, Block plain) {
        if (workload.frozenLayers() == 0) {
            return;
        }
        List<Block> children = plain.getChildren().values();
        int before = workload.architecture() == Architecture.TRANSFORMER && workload.projectsInput() ? 1 : 0;
        int after = workload.architecture() == Architecture.CNN ? 2 : 1;
        long each = (children.size() - before - after) / workload.layers();
        children.subList(0, (int) (before + each * workload.frozenLayers()))
                .forEach(child -> child.freezeParameters(true));
    }

    NDList forward(NDList input, boolean training) {
        return half == null ? block.forward(store, input, training) : half.forward(block, input, training);
    }

    /** What a loss is multiplied with before the backward pass, and gradients are divided by after. */
    float lossScale() {
        return half == null ? 1 : half.scale();
    }

    void zeroGradients() {
        Autograd.zeroGradients(block);
    }
}

package io.headroom.budget.cuda;

import io.headroom.workload.Precision;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * The types of a step: what {@code torch.autocast} casts where it is on, and which half type it is.
 *
 * <p>Source: {@code aten/src/ATen/autocast_mode.{h,cpp}} 2.6, the lists for CUDA. Matrix products, convolutions and fused
 * attention take half inputs ({@code lower_precision_fp}); {@code layer_norm}, {@code pow}, {@code rsqrt} and {@code nll_loss}
 * take fp32 ones ({@code fp32}); {@code softmax} and {@code log_softmax} write fp32 ({@code fp32_set_opt_dtype}); the rest,
 * embeddings and activations among them, works in the type it is given. A half copy of a weight is kept until the context
 * is left ({@code cached_cast}), any other copy as long as someone uses it.
 */
final class Autocast {
    /** What is kept: fp32 weights by their half copies. */
    private final Map<Value.Leaf, Value> copies = new IdentityHashMap<>();

    private final boolean enabled;
    private final boolean bfloat;
    private boolean inside;

    Autocast(CudaStep step) {
        enabled = step.autocast() != null;
        bfloat = step.autocast() == Precision.BF16 || step.precision() == Precision.BF16;
    }

    void enter() {
        inside = enabled;
    }

    /** Leaves the context: {@code clear_autocast_cache}. */
    void leave(Tape tape) {
        copies.values().forEach(tape::use);
        copies.clear();
        inside = false;
    }

    boolean on() {
        return inside;
    }

    /** CUDA's softmax reads fp16 and writes fp32 by itself; from bf16 a copy in fp32 is made first: {@code SoftMax.cpp}. */
    boolean softmaxWidens() {
        return !bfloat;
    }

    Value copy(Value weight) {
        return copies.get(weight.leaf);
    }

    void keep(Value weight, Value copy) {
        copies.put(weight.leaf, copy);
    }
}

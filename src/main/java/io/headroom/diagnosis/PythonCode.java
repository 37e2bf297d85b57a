package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.OutOfMemory;
import java.util.Map;
import java.util.Optional;

/** Remedies as a PyTorch user types them, for messages that no Java program delivered. */
final class PythonCode {
    private static final Map<String, String> CODE = Map.of(
            "gradient accumulation",
            "for part in batch.chunk(4):\n    (loss_of(model, part) / 4).backward()\noptimizer.step(); optimizer.zero_grad()"
                    + "      # once, after the last",
            "gradient checkpointing",
            "from torch.utils.checkpoint import checkpoint\nx = checkpoint(block, x, use_reentrant=False)      # for each"
                    + " block; transformers: model.gradient_checkpointing_enable()",
            "half precision",
            "with torch.autocast(\"DEVICE\", dtype=torch.float16):\n    loss = loss_of(model, batch)\n"
                    + "scaler.scale(loss).backward()      # scaler = torch.amp.GradScaler()",
            "chunked attention",
            "torch.nn.functional.scaled_dot_product_attention(q, k, v)      # keeps no scores; or a loop over q.chunk(4)",
            "release between models",
            "del model, predictions\ngc.collect()",
            "intermediates dropped early",
            "total += loss.item()      # the number, not the tensor with its graph\ndel logits",
            "copy instead of reference",
            "kept.append(row.detach().clone())      # not a view of the whole batch",
            "bucketed sequences",
            "DataLoader(data, batch_sampler=by_length)      # batches of similar length, long ones smaller",
            "CPU instead of the device",
            "model.to(\"cpu\")");

    private PythonCode() {}

    static Optional<String> of(String remedy, OutOfMemory oom) {
        boolean other = oom.allocator() == Backend.TENSORFLOW || oom.allocator() == Backend.JAX;
        String device =
                switch (oom.allocator()) {
                    case XPU -> "xpu";
                    case MPS -> "mps";
                    case CPU, DATALOADER_SHM, OOM_KILLER -> "cpu";
                    default -> "cuda";
                };
        return other
                ? Optional.empty()
                : Optional.ofNullable(CODE.get(remedy)).map(code -> code.replace("DEVICE", device));
    }
}

package io.headroom.diagnosis;

import static io.headroom.diagnosis.Cause.CAPACITY;
import static io.headroom.diagnosis.Cause.LIMIT;
import static io.headroom.diagnosis.Cause.OVERSIZED_REQUEST;
import static io.headroom.diagnosis.Cause.SHAPE_BUG;
import static io.headroom.diagnosis.Cause.UNKNOWN;

import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Size;
import io.headroom.oom.Wording;
import java.util.Optional;

/** The cause of a failure on Apple's GPU: its memory is the machine's, and PyTorch refuses above a watermark. */
final class MetalCauses {
    private MetalCauses() {}

    static Verdict of(OutOfMemory oom) {
        if (oom.impossible()) {
            return Verdict.of(SHAPE_BUG, 0.9, "The size asked for is impossible: a shape overflowed.");
        }
        Optional<Size> requested = oom.size(Field.REQUESTED);
        if (oom.wording() == Wording.MPS_BUFFER) {
            return Verdict.of(
                    OVERSIZED_REQUEST,
                    0.9,
                    requested.map(size -> "One buffer of " + size + " is").orElse("One buffer is")
                            + " above Metal's limit for a single buffer.");
        }
        if (oom.wording() == Wording.METAL) {
            return Verdict.of(
                    CAPACITY,
                    0.5,
                    "Metal found no room for the buffers of one command buffer: the GPU's share of the machine's memory"
                            + " is full. The message gives no figures.");
        }
        Optional<Size> allowed = oom.size(Field.MAX_ALLOWED);
        Optional<Size> live = oom.size(Field.MPS_ALLOCATED);
        Optional<Size> other = oom.size(Field.MPS_OTHER);
        if (allowed.isPresent()
                && requested.isPresent()
                && requested.get().low() > allowed.get().high()) {
            return Verdict.of(
                    OVERSIZED_REQUEST,
                    0.9,
                    "One request of " + requested.get() + " where " + allowed.get() + " are allowed.");
        }
        if (live.isEmpty()) {
            return Verdict.of(UNKNOWN, 0.4, "The message gives no figures.");
        }
        if (other.isPresent()
                && other.get().bytes() > 0.7 * (live.get().bytes() + other.get().bytes())) {
            return Verdict.of(
                    UNKNOWN,
                    0.5,
                    other.get()
                            + " are \"other allocations\": Metal's graphs, kernels and other users in the process, not"
                            + " PyTorch's tensors (" + live.get() + ").");
        }
        if (allowed.isPresent() && !Mac.isDefaultWatermark(allowed.get())) {
            return Verdict.of(
                    LIMIT,
                    0.55,
                    "The " + allowed.get()
                            + " allowed are not what macOS recommends for any Mac times the default ratio"
                            + " 1.7: the limit was set by hand.");
        }
        return Verdict.of(
                CAPACITY,
                0.65,
                "PyTorch's tensors and cache hold " + live.get()
                        + allowed.map(size -> " of " + size + " allowed").orElse("")
                        + other.map(size -> ", other Metal users " + size).orElse("") + ".");
    }
}

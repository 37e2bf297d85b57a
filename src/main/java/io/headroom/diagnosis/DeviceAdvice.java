package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.Size;
import io.headroom.oom.Wording;
import io.headroom.units.Bytes;
import java.util.Optional;
import java.util.OptionalLong;

/** What to do when a GPU's memory ran out. */
final class DeviceAdvice {
    private static final String HEAP = "a larger Java heap (-Xmx)";

    private DeviceAdvice() {}

    static void give(Advisor advisor) {
        switch (advisor.cause) {
            case SHAPE_BUG -> shape(advisor);
            case OVERSIZED_REQUEST -> {
                shape(advisor);
                if (!advisor.halvingCannotFit()) {
                    advisor.smallerStep();
                }
            }
            case FRAGMENTATION -> {
                segments(advisor);
                advisor.process("bucketed sequences", Advisor.least(advisor.seen.unallocated), "the holes stated");
                advisor.smallerStep();
            }
            case OTHER_PROCESS -> {
                others(advisor);
                advisor.smallerStep();
            }
            case LIMIT -> {
                cap(advisor);
                advisor.smallerStep();
            }
            default -> {
                if (advisor.seen.othersMatter()) {
                    others(advisor);
                }
                advisor.smallerStep();
                live(advisor);
                advisor.process("CPU instead of the device", OptionalLong.empty(), "");
                if (advisor.cause == Cause.UNKNOWN || advisor.seen.fitsWithHoles()) {
                    segments(advisor);
                }
            }
        }
        useless(advisor);
    }

    static void shape(Advisor advisor) {
        advisor.add(
                "fix the shape",
                advisor.oom.impossible() ? OptionalLong.empty() : Advisor.least(advisor.oom.size(Field.REQUESTED)),
                "the refused request",
                "Print the shapes before " + advisor.oom.where().orElse("the failing line")
                        + ": one factor is far too large (a"
                        + " batch product, an outer product instead of a row-wise one, an uninitialised length).",
                "none");
        if (!advisor.halvingCannotFit()) {
            advisor.chunked();
        }
    }

    private static void segments(Advisor advisor) {
        boolean old = advisor.oom.wording() == Wording.RESERVED_WITH_HINT || advisor.oom.wording() == Wording.RESERVED;
        String variable = advisor.oom.allocator() == Backend.HIP ? "PYTORCH_HIP_ALLOC_CONF" : "PYTORCH_CUDA_ALLOC_CONF";
        OptionalLong holes = Advisor.least(advisor.seen.unallocated);
        if (old) {
            advisor.setting("max_split_size_mb", holes, "the holes stated", variable, "max_split_size_mb:128");
        } else {
            advisor.setting("expandable segments", holes, "the holes stated", variable, "expandable_segments:True");
        }
    }

    private static void others(Advisor advisor) {
        Optional<Size> held = advisor.seen.othersListed.or(() -> advisor.seen.elsewhere);
        boolean named = !advisor.seen.others.isEmpty() && advisor.seen.own.isPresent();
        advisor.add(
                "stop the other processes",
                Advisor.least(held),
                "what they hold",
                (named ? "The message names " + advisor.seen.othersNamed() + ". " : "")
                        + (advisor.oom.allocator() == Backend.HIP ? "rocm-smi --showpids" : "nvidia-smi")
                        + " lists them; end the ones that are yours: an old notebook kernel keeps its memory until it is shut"
                        + " down.",
                "their work");
        advisor.add(
                "use another GPU",
                Advisor.least(held),
                "what they hold here",
                advisor.place.environment("CUDA_VISIBLE_DEVICES", "1"),
                "needs a second one");
    }

    private static void cap(Advisor advisor) {
        Implied seen = advisor.seen;
        OptionalLong more = seen.total.isPresent() && seen.allowed.isPresent() && seen.free.isPresent()
                ? OptionalLong.of(Math.min(
                        Math.max(
                                0, seen.total.get().bytes() - seen.allowed.get().bytes()),
                        seen.free.get().low()))
                : OptionalLong.empty();
        advisor.raise(
                " of this process",
                more,
                "as much as is free on the device",
                advisor.place.environment("PYTORCH_CUDA_ALLOC_CONF", "per_process_memory_fraction:0.95")
                        + "   // PyTorch 2.10 on; in Python torch.cuda.set_per_process_memory_fraction(0.95)",
                "less is left for others on the device");
    }

    private static void live(Advisor advisor) {
        advisor.release();
        if (!advisor.growth.steady()) {
            advisor.process("intermediates dropped early", OptionalLong.empty(), "");
        }
    }

    private static void useless(Advisor advisor) {
        boolean figures = advisor.seen.allocated.isPresent();
        boolean holes =
                advisor.cause == Cause.FRAGMENTATION || advisor.cause == Cause.UNKNOWN || advisor.seen.fitsWithHoles();
        if (figures && !holes) {
            advisor.no(
                    "expandable segments",
                    "they close holes, and "
                            + advisor.seen
                                    .unallocated
                                    .map(size -> "only " + size + " are reserved but unallocated.")
                                    .orElse("nothing here shows any."));
        }
        if (figures) {
            advisor.no(
                    "emptying the cache after the error",
                    "PyTorch had returned every wholly free segment before it gave up; what is left are live tensors and the"
                            + " holes between them.");
        }
        advisor.no(HEAP, "tensors do not live in it.");
    }

    static void mps(Advisor advisor) {
        if (advisor.cause == Cause.OVERSIZED_REQUEST || advisor.cause == Cause.SHAPE_BUG) {
            shape(advisor);
        }
        if (!advisor.halvingCannotFit()) {
            live(advisor);
            advisor.smallerStep();
            watermark(advisor);
            advisor.process("CPU instead of the device", OptionalLong.empty(), "");
        }
        advisor.no(HEAP, "tensors do not live in it; on a Mac a smaller heap leaves the GPU more.");
    }

    private static void watermark(Advisor advisor) {
        Optional<Size> allowed = advisor.oom.size(Field.MAX_ALLOWED);
        long memory = allowed.map(Mac::memory).orElse(0L);
        if (advisor.cause == Cause.LIMIT) {
            advisor.add(
                    "raise the watermark",
                    "unset PYTORCH_MPS_HIGH_WATERMARK_RATIO where it was set, or set it higher (below 1.4 needs"
                            + " PYTORCH_MPS_LOW_WATERMARK_RATIO too)",
                    "the system may swap");
        } else if (advisor.oom.wording() == Wording.MPS_BUFFER) {
            advisor.no("PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0", "the limit is on one Metal buffer, not on the sum.");
        } else if (allowed.isEmpty()) {
            advisor.no(
                    "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0",
                    "the message names no limit: it is off already, and the Mac itself has no more.");
        } else if (memory > 0) {
            advisor.no(
                    "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0",
                    "the " + allowed.orElseThrow() + " allowed are already more than the " + Bytes.format(memory)
                            + " that this Mac has: without the limit it swaps, and may freeze.");
        } else {
            advisor.setting("MPS high watermark", OptionalLong.empty(), "", "PYTORCH_MPS_HIGH_WATERMARK_RATIO", "0.0");
        }
    }
}

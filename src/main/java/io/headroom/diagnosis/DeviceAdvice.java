package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
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
                if (advisor.seen.othersMatter()) {
                    others(advisor);
                }
                AllocatorAdvice.segments(advisor);
                advisor.process(
                        "bucketed sequences", Advisor.bytes(advisor.seen.unallocated), "at most: the holes stated");
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
                if (advisor.hadRoom()) {
                    refusedElsewhere(advisor);
                    break;
                }
                if (advisor.cause == Cause.UNKNOWN || advisor.seen.fitsWithHoles()) {
                    AllocatorAdvice.segments(advisor);
                }
                advisor.smallerStep();
                live(advisor);
                if (advisor.oom.allocator() != Backend.NCCL) {
                    advisor.process("CPU instead of the device", OptionalLong.empty(), "");
                }
            }
        }
        useless(advisor);
    }

    static void shape(Advisor advisor) {
        advisor.add(
                "fix the shape",
                advisor.oom.impossible() ? OptionalLong.empty() : Advisor.bytes(advisor.oom.size(Field.REQUESTED)),
                "the refused request",
                "Print the shapes before " + advisor.oom.where().orElse("the failing line")
                        + ": one factor is far too large (a"
                        + " batch product, an outer product instead of a row-wise one, an uninitialised length).",
                "none");
        if (!advisor.halvingCannotFit()) {
            advisor.chunked();
        }
    }

    private static void others(Advisor advisor) {
        OutOfMemory oom = advisor.oom;
        Optional<Size> held = Optional.of(advisor.seen.outside()).filter(size -> size.bytes() > 0);
        boolean named = !advisor.seen.others.isEmpty() && advisor.seen.own.isPresent();
        boolean one = named && advisor.seen.others.size() == 1 && advisor.seen.perhapsOwn.size() < 2;
        advisor.add(
                one ? "end process " + advisor.seen.others.get(0).pid() : "stop the other processes",
                Advisor.bytes(held),
                one ? "what it holds" : "what they hold",
                (named ? "The message names " + advisor.seen.othersNamed() + ". " : "") + AllocatorAdvice.tool(oom)
                        + " lists them; end the ones that are yours"
                        + (one ? " (kill " + advisor.seen.others.get(0).pid() + ")" : "")
                        + ": an old notebook kernel keeps its memory until it is shut down.",
                one ? "its work" : "their work");
        int index = oom.device().orElse(0);
        advisor.add(
                "use another GPU",
                Advisor.bytes(held),
                "what is held here",
                advisor.place.environment(AllocatorAdvice.devices(oom), index == 0 ? "1" : "0"),
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
        String how = AllocatorAdvice.readsFraction(advisor.oom)
                ? advisor.place.environment(AllocatorAdvice.variable(advisor.oom), "per_process_memory_fraction:0.95")
                : "Find what set it: torch.cuda.set_per_process_memory_fraction in Python code, or a share given to this"
                        + " container (DJL has no call that sets one), and set it higher there.";
        advisor.raise(
                " of this process",
                more,
                "as much as is free on the device",
                how,
                "less is left for others on the device");
    }

    /** The device had room: what to look at instead of the tensors. */
    private static void refusedElsewhere(Advisor advisor) {
        advisor.add(
                "start the process again",
                advisor.place.isNotebook() ? "Kernel → Restart Kernel" : "end it and start it again",
                "what it has computed so far");
        advisor.add(
                "more host memory for the driver",
                "free -h; ulimit -v; ulimit -l      # full RAM or swap, a small address space and pinned memory refuse the"
                        + " device too",
                "what else runs there");
        advisor.add(
                "see whether the card is split or shared",
                AllocatorAdvice.tool(advisor.oom) + (advisor.oom.allocator() == Backend.CUDA ? " -L" : "")
                        + "      # a partition (MIG, vGPU, WSL) has less than the card; another process may have taken it and"
                        + " gone",
                "none");
        AllocatorAdvice.segments(advisor);
        advisor.smallerStep();
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
            advisor.setting(
                    "MPS high watermark",
                    OptionalLong.empty(),
                    "",
                    advisor.place.environment("PYTORCH_MPS_HIGH_WATERMARK_RATIO", "0.0"));
        }
    }
}

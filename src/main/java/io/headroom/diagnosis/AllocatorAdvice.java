package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.OutOfMemory;
import java.util.OptionalLong;

/** The device allocator's settings, as far as the release that printed the message knows them. */
final class AllocatorAdvice {
    private static final String EXPANDABLE = "expandable segments";
    private static final String SPLIT = "max_split_size_mb";

    private AllocatorAdvice() {}

    /** What lets holes be used or keeps them from arising. */
    static void segments(Advisor advisor) {
        OptionalLong holes = advisor.hadRoom() ? OptionalLong.empty() : Advisor.bytes(advisor.seen.unallocated);
        if (advisor.oom.allocator() == Backend.XPU) {
            advisor.no(EXPANDABLE + " and " + SPLIT, "they are settings of the CUDA allocator.");
            return;
        }
        switch (advisor.oom.wording()) {
            case CUDA_RUNTIME_2, CACHED ->
                advisor.no(
                        EXPANDABLE + " and " + SPLIT,
                        "this message is PyTorch " + advisor.oom.wording().torch()
                                + "'s; they came with 2.1 and 1.10.");
            case RESERVED, RESERVED_WITH_HINT -> {
                set(advisor, SPLIT, holes, SPLIT + ":128", "PyTorch 1.10 or newer");
                advisor.no(EXPANDABLE, "they came with PyTorch 2.1; this message is older.");
            }
            case ASYNC -> advisor.no(EXPANDABLE + " and " + SPLIT, "cudaMallocAsync, which is on, heeds neither.");
            case DRIVER -> {
                set(
                        advisor,
                        "expandable segments off",
                        OptionalLong.empty(),
                        "expandable_segments:False",
                        "where they were switched on");
                advisor.no(EXPANDABLE, "this text is theirs: they are on already.");
            }
            case HEADLINE, RAW_RUNTIME ->
                set(advisor, EXPANDABLE, holes, "expandable_segments:True", "PyTorch 2.1 or newer");
            default -> set(advisor, EXPANDABLE, holes, "expandable_segments:True", "");
        }
    }

    private static void set(Advisor advisor, String name, OptionalLong holes, String value, String since) {
        String how = advisor.place.environment(variable(advisor.oom), value) + (since.isEmpty() ? "" : "   # " + since);
        advisor.setting(name, holes, "at most: the holes stated", how);
    }

    /** The variable that this release reads. */
    static String variable(OutOfMemory oom) {
        return switch (oom.wording()) {
            case ALLOC_CONF -> "PYTORCH_ALLOC_CONF";
            default -> oom.allocator() == Backend.HIP ? "PYTORCH_HIP_ALLOC_CONF" : "PYTORCH_CUDA_ALLOC_CONF";
        };
    }

    /** Whether the release reads a share of the device from its variable: 2.10 and newer. */
    static boolean readsFraction(OutOfMemory oom) {
        return switch (oom.wording()) {
            case ALLOC_CONF, OPTIMIZING -> true;
            default -> false;
        };
    }

    /** The variable that chooses a device. */
    static String devices(OutOfMemory oom) {
        return switch (oom.allocator()) {
            case HIP -> "HIP_VISIBLE_DEVICES";
            case XPU -> "ZE_AFFINITY_MASK";
            default -> "CUDA_VISIBLE_DEVICES";
        };
    }

    /** The command that lists who holds a device. */
    static String tool(OutOfMemory oom) {
        return switch (oom.allocator()) {
            case HIP -> "rocm-smi --showpids";
            case XPU -> "xpu-smi ps";
            default -> "nvidia-smi";
        };
    }
}

package io.headroom.budget;

import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.Phase;
import io.headroom.workload.step.StepListener;
import java.util.Arrays;

/** Serves a step from the CUDA caching allocator as it goes. */
final class SegmentListener implements StepListener {
    private final CachingAllocator allocator =
            new CachingAllocator(AllocatorSettings.defaults(), CachingAllocator.UNLIMITED);
    private int[] blocks = new int[1024];

    @Override
    public void allocated(long id, long bytes, Kind kind, Phase at, String operator) {
        int index = Math.toIntExact(id);
        if (index >= blocks.length) {
            blocks = Arrays.copyOf(blocks, Math.max(index + 1, blocks.length * 2));
        }
        if (bytes > 0) {
            blocks[index] = allocator.malloc(bytes, 0);
            if (blocks[index] == CachingAllocator.OUT_OF_MEMORY) {
                throw new ArithmeticException(operator + " would take more than 2^60 bytes at once");
            }
        }
    }

    @Override
    public void freed(long id, long bytes, Kind kind, Phase at, String operator) {
        if (bytes > 0) {
            allocator.free(blocks[(int) id]);
        }
    }

    /** What served temporaries of a size once is free for the next: no segment is taken for them again. */
    @Override
    public boolean wantsRepeats() {
        return false;
    }

    long peakBytes() {
        return allocator.statistics().reservedBytes().peak();
    }
}

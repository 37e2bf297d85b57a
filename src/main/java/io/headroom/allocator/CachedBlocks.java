package io.headroom.allocator;

import static io.headroom.allocator.Blocks.EXPANDABLE;

import java.util.ArrayList;
import java.util.List;

/** Gives free blocks back to the device: all of them, as many as a request needs, or the oldest. */
final class CachedBlocks {
    private final Blocks blocks;
    private final Pools pools;
    private final Counters counters;
    private final Driver driver;
    private final ExpandableSegments expandable;
    private final long maxSplit;

    CachedBlocks(
            Blocks blocks,
            Pools pools,
            Counters counters,
            Driver driver,
            ExpandableSegments expandable,
            long maxSplit) {
        this.blocks = blocks;
        this.pools = pools;
        this.counters = counters;
        this.driver = driver;
        this.expandable = expandable;
        this.maxSplit = maxSplit;
    }

    /** Every segment without a live block, and the whole pages of expandable ones. */
    void releaseAll() {
        for (int pool = 1; pool >= 0; pool--) {
            for (int block : pools.free(pool)) {
                if (blocks.has(block, EXPANDABLE)) {
                    expandable.release(block);
                } else if (!blocks.isSplit(block)) {
                    release(block);
                }
            }
        }
    }

    /** Unsplit blocks of at least the split limit, until one large enough for the request can be had; whether it can. */
    boolean releaseAvailable(int pool, int stream, long size) {
        FreeSet free = pools.free(pool, stream);
        long wanted = Math.max(size, maxSplit);
        long at = free.ceiling(wanted, Long.MIN_VALUE);
        if (at >= 0 && whole(free.block(at))) {
            release(free.block(at));
            return true;
        }
        long released = 0;
        int[] ascending = free.toArray();
        for (int i = ascending.length - 1; i >= 0 && released < wanted; i--) {
            if (blocks.size[ascending[i]] < maxSplit) {
                break;
            }
            if (whole(ascending[i])) {
                released += blocks.size[ascending[i]];
                release(ascending[i]);
            }
        }
        return released >= wanted;
    }

    /** Unsplit large blocks of at least average age, in rounds, until no more than {@code threshold} bytes are reserved. */
    void collectGarbage(long threshold) {
        long target = counters.current(Counters.RESERVED_BYTES) - threshold;
        List<Integer> candidates = new ArrayList<>();
        long ages = 0;
        if (target > 0) {
            for (int block : pools.free(1)) {
                if (whole(block)) {
                    candidates.add(block);
                    ages += age(block);
                }
            }
        }
        boolean freed = true;
        while (target > 0 && freed && !candidates.isEmpty()) {
            double mean = (double) ages / candidates.size();
            freed = false;
            for (var next = candidates.iterator(); next.hasNext(); ) {
                int block = next.next();
                if (age(block) >= mean) {
                    freed = true;
                    target -= blocks.size[block];
                    ages -= age(block);
                    release(block);
                    next.remove();
                }
            }
        }
    }

    private boolean whole(int block) {
        return !blocks.isSplit(block) && !blocks.has(block, EXPANDABLE);
    }

    private long age(int block) {
        return pools.searches[1] - blocks.age[block];
    }

    private void release(int block) {
        int pool = blocks.pool(block);
        long size = blocks.size[block];
        pools.remove(block);
        driver.free(blocks.address[block], size);
        counters.less(Counters.SEGMENT, pool, 1);
        counters.less(Counters.RESERVED_BYTES, pool, size);
        counters.deviceFrees++;
        if (size >= maxSplit) {
            counters.less(Counters.OVERSIZE_SEGMENTS, pool, 1);
        }
        blocks.drop(block);
    }
}

package io.headroom.allocator;

import static io.headroom.allocator.Blocks.EXPANDABLE;
import static io.headroom.allocator.Blocks.NONE;
import static io.headroom.allocator.Blocks.UNMAPPED;

/** Finds the free block that serves a request: the smallest that fits, the lowest address first, unless it is vetoed. */
final class BestFit {
    private final Blocks blocks;
    private final Pools pools;
    private final boolean growing;
    private final long maxSplit;
    private final long maxRounding;

    BestFit(Blocks blocks, Pools pools, AllocatorSettings settings) {
        this.blocks = blocks;
        this.pools = pools;
        growing = settings.expandableSegments();
        maxSplit = settings.maxSplitSize();
        maxRounding = settings.maxNonSplitRounding();
    }

    /** A block taken out of its pool, or {@link Blocks#NONE}. */
    int take(int pool, int stream, long size) {
        pools.searches[pool]++;
        FreeSet free = pools.free(pool, stream);
        long at = find(free, size);
        if (at < 0) {
            return NONE;
        }
        int block = free.block(at);
        free.removeAt(at);
        return block;
    }

    /** Whether there is such a block; changes nothing. */
    boolean has(int pool, int stream, long size) {
        return find(pools.free(pool, stream), size) >= 0;
    }

    private long find(FreeSet free, long size) {
        long at = free.ceiling(size, Long.MIN_VALUE);
        if (at >= 0 && blocks.has(free.block(at), EXPANDABLE)) {
            at = growing ? leastGrowing(free, at) : skipExpandable(free, at);
        }
        return at < 0 || isVetoed(size, blocks.size[free.block(at)]) ? -1 : at;
    }

    /** Of oversize blocks none is cut, and none is given for much less than its size. */
    private boolean isVetoed(long size, long found) {
        return size < maxSplit ? found >= maxSplit : found >= size + maxRounding;
    }

    /** Among expandable blocks the size counts with the unmapped range behind: interior holes go first. */
    private long leastGrowing(FreeSet free, long from) {
        long at = from;
        for (long next = free.next(at); next >= 0 && blocks.has(free.block(at), EXPANDABLE); next = free.next(next)) {
            if (expandableSize(free.block(next)) >= expandableSize(free.block(at))) {
                break;
            }
            at = next;
        }
        return at;
    }

    private long expandableSize(int block) {
        int next = blocks.next[block];
        return blocks.size[block] + (next != NONE && blocks.has(next, UNMAPPED) ? blocks.size[next] : 0);
    }

    private long skipExpandable(FreeSet free, long from) {
        long at = from;
        while (at >= 0 && blocks.has(free.block(at), EXPANDABLE)) {
            at = free.next(at);
        }
        return at;
    }
}

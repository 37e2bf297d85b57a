package io.headroom.allocator;

import static io.headroom.allocator.Blocks.ALLOCATED;
import static io.headroom.allocator.Blocks.NONE;
import static io.headroom.allocator.Blocks.PENDING;
import static io.headroom.allocator.Blocks.SHARED;
import static io.headroom.allocator.Blocks.UNMAPPED;

import java.util.Arrays;

/** The free blocks of the small and the large pool, by stream, and the unmapped ranges of expandable segments. */
final class Pools {
    private static final int BUSY = ALLOCATED | PENDING | SHARED;

    private final Blocks blocks;
    private final FreeSet[][] free = new FreeSet[2][0];
    private final SortedBlocks[][] unmapped = new SortedBlocks[2][0];
    /** Searches so far by pool: the clock of garbage collection. */
    final int[] searches = new int[2];

    Pools(Blocks blocks) {
        this.blocks = blocks;
    }

    FreeSet free(int pool, int stream) {
        FreeSet[] ofPool = free[pool];
        if (stream >= ofPool.length) {
            ofPool = Arrays.copyOf(ofPool, longer(ofPool.length, stream));
            free[pool] = ofPool;
        }
        if (ofPool[stream] == null) {
            ofPool[stream] = new FreeSet();
        }
        return ofPool[stream];
    }

    SortedBlocks unmapped(int pool, int stream) {
        SortedBlocks[] ofPool = unmapped[pool];
        if (stream >= ofPool.length) {
            ofPool = Arrays.copyOf(ofPool, longer(ofPool.length, stream));
            unmapped[pool] = ofPool;
        }
        if (ofPool[stream] == null) {
            ofPool[stream] = new SortedBlocks();
        }
        return ofPool[stream];
    }

    private static int longer(int length, int stream) {
        return Math.max(stream + 1, (int) Math.min(length * 2L, Integer.MAX_VALUE - 8));
    }

    /** The free blocks of a pool, all streams, by (stream, size, address). */
    int[] free(int pool) {
        int total = 0;
        for (FreeSet set : free[pool]) {
            total += set == null ? 0 : set.size();
        }
        int[] all = new int[total];
        int end = 0;
        for (FreeSet set : free[pool]) {
            end = set == null ? end : set.copy(all, end);
        }
        return all;
    }

    void insert(int row) {
        int pool = blocks.pool(row);
        if (blocks.has(row, UNMAPPED)) {
            unmapped(pool, blocks.stream[row]).add(0, blocks.address[row], row);
        } else {
            blocks.age[row] = searches[pool];
            free(pool, blocks.stream[row]).add(blocks.size[row], blocks.address[row], row);
        }
    }

    void remove(int row) {
        int pool = blocks.pool(row);
        if (blocks.has(row, UNMAPPED)) {
            unmapped(pool, blocks.stream[row]).remove(0, blocks.address[row]);
        } else {
            free(pool, blocks.stream[row]).remove(blocks.size[row], blocks.address[row]);
        }
    }

    boolean isFree(int row) {
        return row != NONE && !blocks.has(row, BUSY);
    }

    /** Grows {@code row} (in no set) by its free neighbour; bytes gained, 0 if they cannot merge. */
    long merge(int row, int neighbour) {
        if (!isFree(neighbour) || ((blocks.flags[row] ^ blocks.flags[neighbour]) & UNMAPPED) != 0) {
            return 0;
        }
        remove(neighbour);
        if (blocks.prev[row] == neighbour) {
            blocks.address[row] = blocks.address[neighbour];
            int before = blocks.prev[neighbour];
            blocks.prev[row] = before;
            if (before != NONE) {
                blocks.next[before] = row;
            }
        } else {
            int after = blocks.next[neighbour];
            blocks.next[row] = after;
            if (after != NONE) {
                blocks.prev[after] = row;
            }
        }
        long gained = blocks.size[neighbour];
        blocks.size[row] += gained;
        blocks.drop(neighbour);
        return gained;
    }
}

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
    private final FreeSet[][] unmapped = new FreeSet[2][0];
    /** Searches so far by pool: the clock of garbage collection. */
    final int[] searches = new int[2];

    Pools(Blocks blocks) {
        this.blocks = blocks;
    }

    FreeSet free(int pool, int stream) {
        return set(free, pool, stream);
    }

    FreeSet unmapped(int pool, int stream) {
        return set(unmapped, pool, stream);
    }

    int streams(int pool) {
        return free[pool].length;
    }

    private static FreeSet set(FreeSet[][] sets, int pool, int stream) {
        FreeSet[] ofPool = sets[pool];
        if (stream >= ofPool.length) {
            int known = ofPool.length;
            ofPool = Arrays.copyOf(ofPool, stream + 1);
            for (int i = known; i <= stream; i++) {
                ofPool[i] = new FreeSet();
            }
            sets[pool] = ofPool;
        }
        return ofPool[stream];
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

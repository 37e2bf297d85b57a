package io.headroom.allocator;

import static io.headroom.allocator.Blocks.EXPANDABLE;
import static io.headroom.allocator.Blocks.LARGE;
import static io.headroom.allocator.Blocks.NONE;
import static io.headroom.allocator.Blocks.UNMAPPED;

/** Segments that grow: address space for all of the device, pages mapped as they are needed. */
final class ExpandableSegments {
    /** A device without end takes the address space of one with sixteen tebibytes. */
    private static final long MOST_TOTAL = 1L << 44;

    private final Blocks blocks;
    private final Pools pools;
    private final Counters counters;
    private final Driver driver;
    private final long[] page;
    private final long addressSpace;

    ExpandableSegments(Blocks blocks, Pools pools, Counters counters, Driver driver, AllocatorSettings settings) {
        this.blocks = blocks;
        this.pools = pools;
        this.counters = counters;
        this.driver = driver;
        page = new long[] {Rounding.SMALL_SEGMENT, settings.largeSegmentSize()};
        long card = Math.min(driver.total(), MOST_TOTAL);
        addressSpace = card + (card + 7) / 8;
    }

    /** A free block of at least {@code size} bytes, in no set; or −1 when out of memory. */
    int allocate(int pool, int stream, long size) {
        int candidate = find(pool, stream, size);
        if (blocks.has(candidate, UNMAPPED) && !map(candidate, Math.min(blocks.size[candidate], size))) {
            return NONE;
        }
        while (blocks.size[candidate] < size) {
            int next = blocks.next[candidate];
            if (!map(next, Math.min(size - blocks.size[candidate], blocks.size[next]))) {
                return NONE;
            }
            candidate = next;
        }
        pools.remove(candidate);
        return candidate;
    }

    private int find(int pool, int stream, long size) {
        SortedBlocks unmapped = pools.unmapped(pool, stream);
        for (int at = unmapped.ceiling(0, Long.MIN_VALUE); at >= 0; at = unmapped.next(at)) {
            int start = unmapped.block(at);
            if (pools.isFree(blocks.prev[start])) {
                start = blocks.prev[start];
            }
            long room = 0;
            for (int row = start; room < size && pools.isFree(row); row = blocks.next[row]) {
                room += blocks.size[row];
            }
            if (room >= size) {
                return start;
            }
        }
        long bytes = up(Math.max(addressSpace, size), pool);
        int fresh = blocks.add(driver.reserve(bytes), bytes, stream, EXPANDABLE | UNMAPPED | (pool == 1 ? LARGE : 0));
        pools.insert(fresh);
        return fresh;
    }

    /** Maps the front of an unmapped block, in whole pages, and merges it with free neighbours. */
    private boolean map(int row, long wanted) {
        int pool = blocks.pool(row);
        long bytes = Math.min(up(wanted, pool), blocks.size[row]);
        if (!driver.map(blocks.address[row], bytes)) {
            return false;
        }
        pools.remove(row);
        blocks.flags[row] &= ~UNMAPPED;
        if (bytes < blocks.size[row]) {
            int rest = blocks.add(
                    blocks.address[row] + bytes,
                    blocks.size[row] - bytes,
                    blocks.stream[row],
                    blocks.flags[row] | UNMAPPED);
            blocks.linkAfter(rest, row);
            blocks.size[row] = bytes;
            pools.insert(rest);
        }
        pools.merge(row, blocks.prev[row]);
        pools.merge(row, blocks.next[row]);
        pools.insert(row);
        counters.more(Counters.RESERVED_BYTES, pool, bytes);
        counters.deviceAllocs++;
        return true;
    }

    /** Unmaps the whole pages inside a free block; what does not fill a page stays free. */
    void release(int row) {
        int pool = blocks.pool(row);
        long base = blocks.base[row];
        long start = base + up(blocks.address[row] - base, pool);
        long end = base + (blocks.address[row] + blocks.size[row] - base) / page[pool] * page[pool];
        if (end <= start) {
            return;
        }
        driver.unmap(start, end - start);
        pools.remove(row);
        long before = start - blocks.address[row];
        long after = blocks.size[row] - before - (end - start);
        if (before > 0) {
            int rest = blocks.add(blocks.address[row], before, blocks.stream[row], blocks.flags[row]);
            blocks.linkBefore(rest, row);
            pools.insert(rest);
        }
        if (after > 0) {
            int rest = blocks.add(end, after, blocks.stream[row], blocks.flags[row]);
            blocks.linkAfter(rest, row);
            pools.insert(rest);
        }
        blocks.address[row] = start;
        blocks.size[row] = end - start;
        blocks.flags[row] |= UNMAPPED;
        pools.merge(row, blocks.prev[row]);
        pools.merge(row, blocks.next[row]);
        if (blocks.isSplit(row)) {
            pools.insert(row);
        } else {
            blocks.drop(row);
        }
        counters.less(Counters.RESERVED_BYTES, pool, end - start);
        counters.deviceFrees++;
    }

    private long up(long bytes, int pool) {
        return (bytes + page[pool] - 1) / page[pool] * page[pool];
    }
}

package io.headroom.allocator;

import static io.headroom.allocator.Blocks.ALLOCATED;
import static io.headroom.allocator.Blocks.EXPANDABLE;
import static io.headroom.allocator.Blocks.LARGE;
import static io.headroom.allocator.Blocks.NONE;
import static io.headroom.allocator.Blocks.PENDING;
import static io.headroom.allocator.Blocks.SHARED;

import io.headroom.trace.Trace;
import java.util.Arrays;
import java.util.List;

/**
 * PyTorch's CUDA caching allocator, simulated: the same rounding, pools, best fit, splitting, merging, retries and
 * statistics, with no GPU.
 *
 * <p>The device is a number of bytes. A request is rounded and served from the smallest free block of its pool and stream
 * that fits, which is split; else a segment comes from the device; else cached segments are given back and it is tried
 * again; else the device is out of memory. Freed blocks merge with free neighbours of their segment and stay cached.
 *
 * <pre>{@code
 * var device = new CachingAllocator(AllocatorSettings.defaults(), 100 * Bytes.MIB);
 * int a = device.malloc(60 * Bytes.MIB, 0);
 * device.free(a);
 * device.malloc(10 * Bytes.MIB, 0);
 * device.malloc(60 * Bytes.MIB, 0);   // OUT_OF_MEMORY: 90 MiB are free, the largest hole has 50
 * }</pre>
 *
 * <p>Not safe for several threads. Source: {@code c10/cuda/CUDACachingAllocator.cpp}, 2.0 to 2.11, default pools.
 */
public final class CachingAllocator {
    /** What {@link #malloc} answers when the device cannot give the bytes. */
    public static final int OUT_OF_MEMORY = NONE;

    /** A device without end. */
    public static final long UNLIMITED = Long.MAX_VALUE;

    private final AllocatorSettings settings;
    private final Rounding rounding;
    private final Driver driver;
    private final Blocks blocks = new Blocks();
    private final Pools pools = new Pools(blocks);
    private final Counters counters = new Counters();
    private final ExpandableSegments expandable;
    private final CachedBlocks cached;
    private final BestFit fit;
    private final long maxSplit;
    private final boolean growing;
    private final boolean capped;
    private final long allowed;
    private int[] pending = new int[16];
    private int pendings;
    private int waiting;

    /**
     * An empty device.
     *
     * @param limit bytes the driver will give PyTorch in all: the card less the CUDA context and other processes; {@link
     *     #UNLIMITED} for no limit
     * @throws IllegalArgumentException if the limit is not positive
     */
    public CachingAllocator(AllocatorSettings settings, long limit) {
        this(settings, Capacity.of(limit));
    }

    /** An empty device of which PyTorch may have only a part. */
    public CachingAllocator(AllocatorSettings settings, Capacity capacity) {
        this(settings, new Driver.Limited(capacity));
    }

    CachingAllocator(AllocatorSettings settings, Driver driver) {
        this.settings = settings;
        this.driver = driver;
        rounding = new Rounding(settings);
        maxSplit = settings.maxSplitSize();
        growing = settings.expandableSegments();
        fit = new BestFit(blocks, pools, settings);
        capped = settings.memoryFraction() < 1;
        allowed = capped && driver.total() != UNLIMITED
                ? (long) (settings.memoryFraction() * driver.total())
                : Long.MAX_VALUE;
        expandable = new ExpandableSegments(blocks, pools, counters, driver, settings);
        cached = new CachedBlocks(blocks, pools, counters, driver, expandable, maxSplit);
    }

    /**
     * Replays a trace on an empty device until it ends or the device is out of memory.
     *
     * @param limit bytes of the device, or {@link #UNLIMITED}
     */
    public static Footprint replay(Trace trace, AllocatorSettings settings, long limit) {
        return Replay.run(trace, settings, Capacity.of(limit));
    }

    /** The same on a card of which PyTorch may have only a part. */
    public static Footprint replay(Trace trace, AllocatorSettings settings, Capacity capacity) {
        return Replay.run(trace, settings, capacity);
    }

    /**
     * Allocates on a stream (0 is the default one).
     *
     * @return the block, valid until it is freed; or {@link #OUT_OF_MEMORY}
     * @throws IllegalArgumentException if {@code requested} is not positive (PyTorch makes no block for an empty tensor)
     *     or {@code stream} is negative
     */
    public int malloc(long requested, int stream) {
        if (requested <= 0 || stream < 0) {
            throw new IllegalArgumentException("malloc of " + requested + " bytes on stream " + stream
                    + ": bytes must be above 0, the stream 0 or more");
        }
        if (requested > Rounding.ONE_EIB) {
            return OUT_OF_MEMORY;
        }
        if (pendings > 0) {
            completeEvents();
        }
        long size = rounding.block(requested);
        int pool = size <= Rounding.SMALL_SIZE ? 0 : 1;
        int block = fit.take(pool, stream, size);
        if (block == NONE) {
            block = findMore(pool, stream, size);
            if (block == NONE) {
                counters.ooms++;
                return OUT_OF_MEMORY;
            }
        }
        return hand(block, requested, size, pool);
    }

    /**
     * Frees a block; one that another stream reads waits for that stream's event, taken as done at the next malloc.
     *
     * @throws IllegalArgumentException if {@code block} is not allocated
     */
    public void free(int block) {
        freeRequested(block);
        if (blocks.has(block, SHARED)) {
            if (pendings == pending.length) {
                pending = Arrays.copyOf(pending, pendings * 2);
            }
            pending[pendings++] = block;
        } else {
            complete(block);
        }
    }

    /** The owner is done with a block which stays active until {@link #freeCompleted}. */
    void freeRequested(int block) {
        if (!blocks.exists(block) || !blocks.has(block, ALLOCATED)) {
            throw new IllegalArgumentException("block " + block + " is not allocated");
        }
        blocks.flags[block] = blocks.flags[block] & ~ALLOCATED | PENDING;
        waiting++;
        int pool = blocks.pool(block);
        long size = blocks.size[block];
        counters.less(Counters.ALLOCATION, pool, 1);
        counters.less(Counters.ALLOCATED_BYTES, pool, size);
        if (size >= maxSplit) {
            counters.less(Counters.OVERSIZE_ALLOCATIONS, pool, 1);
        }
    }

    /** Ends the wait of a block whose free was requested. */
    void freeCompleted(int block) {
        if (blocks.exists(block) && blocks.has(block, PENDING)) {
            complete(block);
        }
    }

    /** Another stream reads the block, so its free must wait for that stream. */
    public void recordStream(int block, int stream) {
        if (!blocks.exists(block) || !blocks.has(block, ALLOCATED)) {
            throw new IllegalArgumentException("block " + block + " is not allocated");
        }
        if (stream != blocks.stream[block]) {
            blocks.flags[block] |= SHARED;
        }
    }

    /** Gives every segment without a live block back to the device: {@code torch.cuda.empty_cache()}. */
    public void emptyCache() {
        releaseCached();
    }

    /** Lets peaks start again from now: {@code torch.cuda.reset_peak_memory_stats()}. */
    public void resetPeaks() {
        counters.resetPeaks();
    }

    /** The settings it works by. */
    public AllocatorSettings settings() {
        return settings;
    }

    /** The statistics so far. */
    public Statistics statistics() {
        return counters.statistics();
    }

    /** All segments with their blocks, by address. */
    public List<Segment> segments() {
        return Segment.of(blocks);
    }

    /** Bytes that PyTorch could still take from a device of {@code limit} bytes: a memory fraction may allow less. */
    long left(long limit) {
        return Math.min(limit, allowed) - counters.current(Counters.RESERVED_BYTES);
    }

    Blocks blocks() {
        return blocks;
    }

    /** Takes over a segment as it was found; its blocks must be linked already. */
    void adopt(int head) {
        boolean fixed = !blocks.has(head, EXPANDABLE);
        int pool = blocks.pool(head);
        long bytes = 0;
        for (int row = head; row != NONE; row = blocks.next[row]) {
            long size = blocks.size[row];
            boolean live = blocks.has(row, ALLOCATED);
            if (!blocks.has(row, Blocks.UNMAPPED)) {
                bytes += size;
            }
            if (live || blocks.has(row, PENDING)) {
                counters.change(Counters.ALLOCATION, pool, live ? 1 : 0);
                counters.change(Counters.ALLOCATED_BYTES, pool, live ? size : 0);
                counters.more(Counters.ACTIVE, pool, 1);
                counters.more(Counters.ACTIVE_BYTES, pool, size);
                counters.more(Counters.REQUESTED_BYTES, pool, blocks.requested[row]);
                waiting += live ? 0 : 1;
            } else {
                pools.insert(row);
                boolean hole = fixed && blocks.isSplit(row);
                counters.change(Counters.INACTIVE_SPLIT, pool, hole ? 1 : 0);
                counters.change(Counters.INACTIVE_SPLIT_BYTES, pool, hole ? size : 0);
            }
        }
        counters.change(Counters.SEGMENT, pool, fixed ? 1 : 0);
        counters.more(Counters.RESERVED_BYTES, pool, bytes);
    }

    Counters counters() {
        return counters;
    }

    /** Whether a request would be served from the cache. */
    boolean hasFree(long requested, int stream) {
        long size = rounding.block(requested);
        return fit.has(size <= Rounding.SMALL_SIZE ? 0 : 1, stream, size);
    }

    long roundedSize(long requested) {
        return rounding.block(requested);
    }

    long segmentSize(long requested) {
        return rounding.segment(rounding.block(requested));
    }

    private int findMore(int pool, int stream, long size) {
        if (capped && settings.garbageCollectionThreshold() > 0) {
            cached.collectGarbage((long) (settings.garbageCollectionThreshold() * allowed));
        }
        int block = newBlock(pool, stream, size);
        if (block == NONE && maxSplit != AllocatorSettings.UNSET && cached.releaseAvailable(pool, stream, size)) {
            block = newBlock(pool, stream, size);
        }
        if (block == NONE) {
            releaseCached();
            counters.retries++;
            block = newBlock(pool, stream, size);
        }
        return block;
    }

    private int newBlock(int pool, int stream, long size) {
        long segment = rounding.segment(size);
        if (capped && segment > allowed - counters.current(Counters.RESERVED_BYTES)) {
            return NONE;
        }
        if (growing) {
            return expandable.allocate(pool, stream, size);
        }
        long address = driver.malloc(segment);
        if (address < 0) {
            return NONE;
        }
        counters.more(Counters.SEGMENT, pool, 1);
        counters.more(Counters.RESERVED_BYTES, pool, segment);
        counters.deviceAllocs++;
        if (segment >= maxSplit) {
            counters.more(Counters.OVERSIZE_SEGMENTS, pool, 1);
        }
        return blocks.add(address, segment, stream, pool == 1 ? LARGE : 0);
    }

    private int hand(int found, long requested, long size, int pool) {
        int block = found;
        boolean fixed = !blocks.has(found, EXPANDABLE);
        boolean split = blocks.isSplit(found);
        if (splits(blocks.size[found] - size, size, pool)) {
            block = blocks.add(blocks.address[found], size, blocks.stream[found], blocks.flags[found]);
            blocks.linkBefore(block, found);
            blocks.address[found] += size;
            blocks.size[found] -= size;
            pools.insert(found);
            if (fixed && split) {
                counters.less(Counters.INACTIVE_SPLIT_BYTES, pool, size);
            } else if (fixed) {
                counters.more(Counters.INACTIVE_SPLIT_BYTES, pool, blocks.size[found]);
                counters.more(Counters.INACTIVE_SPLIT, pool, 1);
            }
        } else if (fixed && split) {
            counters.less(Counters.INACTIVE_SPLIT_BYTES, pool, blocks.size[block]);
            counters.less(Counters.INACTIVE_SPLIT, pool, 1);
        }
        blocks.flags[block] |= ALLOCATED;
        blocks.requested[block] = requested;
        long bytes = blocks.size[block];
        counters.more(Counters.ALLOCATION, pool, 1);
        counters.more(Counters.ALLOCATED_BYTES, pool, bytes);
        counters.more(Counters.ACTIVE, pool, 1);
        counters.more(Counters.ACTIVE_BYTES, pool, bytes);
        counters.more(Counters.REQUESTED_BYTES, pool, requested);
        if (bytes >= maxSplit) {
            counters.more(Counters.OVERSIZE_ALLOCATIONS, pool, 1);
        }
        return block;
    }

    private boolean splits(long remaining, long size, int pool) {
        if (pool == 0 || growing) {
            return remaining >= Rounding.MIN_BLOCK;
        }
        return size < maxSplit && remaining > Rounding.SMALL_SIZE;
    }

    private void complete(int block) {
        int pool = blocks.pool(block);
        long size = blocks.size[block];
        blocks.flags[block] &= ~(PENDING | SHARED);
        waiting--;
        blocks.owner[block] = -1;
        long holes = 0;
        long holeBytes = 0;
        for (int side = 0; side < 2; side++) {
            long gained = pools.merge(block, side == 0 ? blocks.prev[block] : blocks.next[block]);
            if (gained > 0) {
                holes--;
                holeBytes -= gained;
            }
        }
        pools.insert(block);
        if (!blocks.has(block, EXPANDABLE)) {
            if (blocks.isSplit(block)) {
                holes++;
                holeBytes += blocks.size[block];
            }
            counters.change(Counters.INACTIVE_SPLIT, pool, holes);
            counters.change(Counters.INACTIVE_SPLIT_BYTES, pool, holeBytes);
        }
        counters.less(Counters.ACTIVE, pool, 1);
        counters.less(Counters.ACTIVE_BYTES, pool, size);
        counters.less(Counters.REQUESTED_BYTES, pool, blocks.requested[block]);
    }

    private void completeEvents() {
        for (int i = 0; i < pendings; i++) {
            freeCompleted(pending[i]);
        }
        pendings = 0;
    }

    /** Waits for every stream: all blocks whose free was requested are free now. */
    private void synchronize() {
        completeEvents();
        for (int row = 0; waiting > 0 && row < blocks.rows(); row++) {
            freeCompleted(row);
        }
        counters.synchronizations++;
    }

    private void releaseCached() {
        synchronize();
        cached.releaseAll();
    }
}

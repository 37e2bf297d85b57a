package io.headroom.allocator;

import java.util.Arrays;

/**
 * Blocks ordered by (size, address).
 *
 * <p>A list of short sorted chunks: insertion and removal move at most {@value #CHUNK} entries, and no object is made. A
 * key is two longs beside each other, size and address; the first keys of all chunks stand in an array of their own.
 */
final class SortedBlocks {
    private static final int CHUNK_BITS = 6;
    private static final int CHUNK = 1 << CHUNK_BITS;

    private long[][] keys = {new long[2 * CHUNK]};
    private int[][] blocks = {new int[CHUNK]};
    private int[] counts = {0};
    private long[] firsts = new long[2];
    private int chunks = 1;
    private int total;

    int size() {
        return total;
    }

    void add(long size, long address, int block) {
        int chunk = chunkOf(size, address);
        if (counts[chunk] == CHUNK) {
            split(chunk);
            chunk = chunkOf(size, address);
        }
        long[] there = keys[chunk];
        int at = lower(there, counts[chunk], size, address);
        int behind = counts[chunk]++ - at;
        System.arraycopy(there, 2 * at, there, 2 * at + 2, 2 * behind);
        System.arraycopy(blocks[chunk], at, blocks[chunk], at + 1, behind);
        there[2 * at] = size;
        there[2 * at + 1] = address;
        blocks[chunk][at] = block;
        if (at == 0) {
            noteFirst(chunk);
        }
        total++;
    }

    void remove(long size, long address) {
        int chunk = chunkOf(size, address);
        long[] there = keys[chunk];
        int at = lower(there, counts[chunk], size, address);
        if (at == counts[chunk] || there[2 * at] != size || there[2 * at + 1] != address) {
            throw missing(size, address);
        }
        removeAt(position(chunk, at));
    }

    static IllegalStateException missing(long size, long address) {
        return new IllegalStateException("no free block of " + size + " bytes at 0x" + Long.toHexString(address));
    }

    /** Removes the entry at a position; other positions are void then. */
    void removeAt(int position) {
        int chunk = position >>> CHUNK_BITS;
        int at = position & CHUNK - 1;
        int behind = --counts[chunk] - at;
        System.arraycopy(keys[chunk], 2 * at + 2, keys[chunk], 2 * at, 2 * behind);
        System.arraycopy(blocks[chunk], at + 1, blocks[chunk], at, behind);
        total--;
        if (counts[chunk] == 0 && chunks > 1) {
            drop(chunk);
        } else if (at == 0) {
            noteFirst(chunk);
        }
    }

    /** A position for {@link #block}: the first entry of at least (size, address), or −1. */
    int ceiling(long size, long address) {
        int chunk = chunkOf(size, address);
        int at = lower(keys[chunk], counts[chunk], size, address);
        if (at == counts[chunk]) {
            chunk++;
            at = 0;
        }
        return chunk < chunks && counts[chunk] > 0 ? position(chunk, at) : -1;
    }

    /** The entry after {@code position}, or −1. */
    int next(int position) {
        int chunk = position >>> CHUNK_BITS;
        int at = (position & CHUNK - 1) + 1;
        if (at == counts[chunk]) {
            chunk++;
            at = 0;
        }
        return chunk < chunks ? position(chunk, at) : -1;
    }

    int block(int position) {
        return blocks[position >>> CHUNK_BITS][position & CHUNK - 1];
    }

    /** Puts all blocks in order into {@code to}, from {@code at} on; where they end. */
    int copy(int[] to, int at) {
        int next = at;
        for (int chunk = 0; chunk < chunks; chunk++) {
            System.arraycopy(blocks[chunk], 0, to, next, counts[chunk]);
            next += counts[chunk];
        }
        return next;
    }

    private static int position(int chunk, int at) {
        return chunk << CHUNK_BITS | at;
    }

    /** The last chunk whose first entry is not above (size, address). */
    private int chunkOf(long size, long address) {
        return chunks == 1 ? 0 : Math.max(0, lower(firsts, chunks, size, address + 1) - 1);
    }

    /** How many of the first {@code count} keys are below (size, address). */
    private static int lower(long[] keys, int count, long size, long address) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            long there = keys[2 * middle];
            if (there < size || there == size && keys[2 * middle + 1] < address) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private void noteFirst(int chunk) {
        firsts[2 * chunk] = keys[chunk][0];
        firsts[2 * chunk + 1] = keys[chunk][1];
    }

    private void split(int chunk) {
        if (chunks == counts.length) {
            keys = Arrays.copyOf(keys, chunks * 2);
            blocks = Arrays.copyOf(blocks, chunks * 2);
            counts = Arrays.copyOf(counts, chunks * 2);
            firsts = Arrays.copyOf(firsts, chunks * 4);
        }
        move(chunk + 1, chunk + 2);
        int half = CHUNK / 2;
        keys[chunk + 1] = new long[2 * CHUNK];
        blocks[chunk + 1] = new int[CHUNK];
        System.arraycopy(keys[chunk], 2 * half, keys[chunk + 1], 0, 2 * (CHUNK - half));
        System.arraycopy(blocks[chunk], half, blocks[chunk + 1], 0, CHUNK - half);
        counts[chunk + 1] = CHUNK - half;
        counts[chunk] = half;
        chunks++;
        noteFirst(chunk + 1);
    }

    private void drop(int chunk) {
        move(chunk + 1, chunk);
        chunks--;
    }

    /** Moves the chunks from one place on to another. */
    private void move(int from, int to) {
        int length = chunks - from;
        System.arraycopy(keys, from, keys, to, length);
        System.arraycopy(blocks, from, blocks, to, length);
        System.arraycopy(counts, from, counts, to, length);
        System.arraycopy(firsts, 2 * from, firsts, 2 * to, 2 * length);
    }
}

package io.headroom.allocator;

import java.util.Arrays;

/**
 * The free blocks of one stream in one pool, ordered by (size, address); the unmapped ones with size 0, by address.
 *
 * <p>A list of short sorted chunks: insertion and removal move at most {@value #CHUNK} entries, and no object is made. A
 * key is two longs beside each other, size and address; the first keys of all chunks stand in an array of their own.
 */
final class FreeSet {
    private static final int CHUNK = 64;

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
            throw new IllegalStateException("no free block of " + size + " bytes at " + Long.toHexString(address));
        }
        removeAt(position(chunk, at));
    }

    /** Removes the entry at a position; other positions are void then. */
    void removeAt(long position) {
        int chunk = (int) (position >>> 32);
        int at = (int) position;
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
    long ceiling(long size, long address) {
        int chunk = chunkOf(size, address);
        int at = lower(keys[chunk], counts[chunk], size, address);
        if (at == counts[chunk]) {
            chunk++;
            at = 0;
        }
        return chunk < chunks && counts[chunk] > 0 ? position(chunk, at) : -1;
    }

    /** The entry after {@code position}, or −1. */
    long next(long position) {
        int chunk = (int) (position >>> 32);
        int at = (int) position + 1;
        if (at == counts[chunk]) {
            chunk++;
            at = 0;
        }
        return chunk < chunks ? position(chunk, at) : -1;
    }

    int block(long position) {
        return blocks[(int) (position >>> 32)][(int) position];
    }

    /** All blocks in order. */
    int[] toArray() {
        int[] all = new int[total];
        int next = 0;
        for (int chunk = 0; chunk < chunks; chunk++) {
            System.arraycopy(blocks[chunk], 0, all, next, counts[chunk]);
            next += counts[chunk];
        }
        return all;
    }

    private static long position(int chunk, int at) {
        return (long) chunk << 32 | at;
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

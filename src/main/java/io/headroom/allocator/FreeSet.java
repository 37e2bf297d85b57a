package io.headroom.allocator;

import java.util.Arrays;

/**
 * The free blocks of one stream in one pool, ordered by (size, address); the unmapped ones with size 0, by address.
 *
 * <p>A list of short sorted chunks: insertion and removal move at most {@value #CHUNK} entries, and no object is made.
 */
final class FreeSet {
    private static final int CHUNK = 128;

    private long[][] sizes = {new long[CHUNK]};
    private long[][] addresses = {new long[CHUNK]};
    private int[][] blocks = {new int[CHUNK]};
    private int[] counts = {0};
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
        int at = within(chunk, size, address);
        int behind = counts[chunk] - at;
        System.arraycopy(sizes[chunk], at, sizes[chunk], at + 1, behind);
        System.arraycopy(addresses[chunk], at, addresses[chunk], at + 1, behind);
        System.arraycopy(blocks[chunk], at, blocks[chunk], at + 1, behind);
        sizes[chunk][at] = size;
        addresses[chunk][at] = address;
        blocks[chunk][at] = block;
        counts[chunk]++;
        total++;
    }

    void remove(long size, long address) {
        int chunk = chunkOf(size, address);
        int at = within(chunk, size, address);
        if (at >= counts[chunk] || sizes[chunk][at] != size || addresses[chunk][at] != address) {
            throw new IllegalStateException("no free block of " + size + " bytes at " + Long.toHexString(address));
        }
        int behind = --counts[chunk] - at;
        System.arraycopy(sizes[chunk], at + 1, sizes[chunk], at, behind);
        System.arraycopy(addresses[chunk], at + 1, addresses[chunk], at, behind);
        System.arraycopy(blocks[chunk], at + 1, blocks[chunk], at, behind);
        total--;
        if (counts[chunk] == 0 && chunks > 1) {
            drop(chunk);
        }
    }

    /** A position for {@link #block}: the first entry of at least (size, address), or −1. */
    long ceiling(long size, long address) {
        int chunk = chunkOf(size, address);
        int at = within(chunk, size, address);
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

    /** The largest entry, or −1. */
    long last() {
        return total == 0 ? -1 : position(chunks - 1, counts[chunks - 1] - 1);
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
        int low = 0;
        int high = chunks - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            long first = sizes[middle][0];
            if (first < size || first == size && addresses[middle][0] <= address) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    private int within(int chunk, long size, long address) {
        long[] size_ = sizes[chunk];
        long[] address_ = addresses[chunk];
        int low = 0;
        int high = counts[chunk];
        while (low < high) {
            int middle = (low + high) >>> 1;
            long there = size_[middle];
            if (there < size || there == size && address_[middle] < address) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private void split(int chunk) {
        if (chunks == counts.length) {
            int longer = chunks * 2;
            sizes = Arrays.copyOf(sizes, longer);
            addresses = Arrays.copyOf(addresses, longer);
            blocks = Arrays.copyOf(blocks, longer);
            counts = Arrays.copyOf(counts, longer);
        }
        int after = chunks - chunk - 1;
        System.arraycopy(sizes, chunk + 1, sizes, chunk + 2, after);
        System.arraycopy(addresses, chunk + 1, addresses, chunk + 2, after);
        System.arraycopy(blocks, chunk + 1, blocks, chunk + 2, after);
        System.arraycopy(counts, chunk + 1, counts, chunk + 2, after);
        int half = CHUNK / 2;
        sizes[chunk + 1] = new long[CHUNK];
        addresses[chunk + 1] = new long[CHUNK];
        blocks[chunk + 1] = new int[CHUNK];
        System.arraycopy(sizes[chunk], half, sizes[chunk + 1], 0, CHUNK - half);
        System.arraycopy(addresses[chunk], half, addresses[chunk + 1], 0, CHUNK - half);
        System.arraycopy(blocks[chunk], half, blocks[chunk + 1], 0, CHUNK - half);
        counts[chunk + 1] = CHUNK - half;
        counts[chunk] = half;
        chunks++;
    }

    private void drop(int chunk) {
        int after = chunks - chunk - 1;
        System.arraycopy(sizes, chunk + 1, sizes, chunk, after);
        System.arraycopy(addresses, chunk + 1, addresses, chunk, after);
        System.arraycopy(blocks, chunk + 1, blocks, chunk, after);
        System.arraycopy(counts, chunk + 1, counts, chunk, after);
        chunks--;
    }
}

package io.headroom.allocator;

import java.util.Arrays;

/** All blocks of a device as columns; a block is a row number, neighbours within a segment are linked. */
final class Blocks {
    static final int NONE = -1;

    static final int ALLOCATED = 1;
    static final int UNMAPPED = 2;
    static final int LARGE = 4;
    static final int EXPANDABLE = 8;
    /** Freed by its owner, waiting for another stream. */
    static final int PENDING = 16;
    /** Another stream reads it. */
    static final int SHARED = 32;

    private static final int GONE = 64;

    long[] address = new long[256];
    long[] size = new long[256];
    /** Where the segment begins. */
    long[] base = new long[256];

    long[] requested = new long[256];
    int[] prev = new int[256];
    int[] next = new int[256];
    int[] stream = new int[256];
    int[] flags = new int[256];
    int[] age = new int[256];
    /** What the caller wants to find again: the allocation a block belongs to, or −1. */
    int[] owner = new int[256];

    private int rows;
    private int freeRows = NONE;

    int add(long address_, long size_, int stream_, int flags_) {
        int row = freeRows;
        if (row == NONE) {
            if (rows == address.length) {
                grow();
            }
            row = rows++;
        } else {
            freeRows = next[row];
        }
        address[row] = address_;
        base[row] = address_;
        size[row] = size_;
        requested[row] = 0;
        prev[row] = NONE;
        next[row] = NONE;
        stream[row] = stream_;
        flags[row] = flags_;
        owner[row] = -1;
        return row;
    }

    void drop(int row) {
        flags[row] = GONE;
        next[row] = freeRows;
        freeRows = row;
    }

    int rows() {
        return rows;
    }

    boolean exists(int row) {
        return row >= 0 && row < rows && (flags[row] & GONE) == 0;
    }

    boolean has(int row, int flag) {
        return (flags[row] & flag) != 0;
    }

    /** 0 small, 1 large. */
    int pool(int row) {
        return (flags[row] & LARGE) >>> 2;
    }

    boolean isSplit(int row) {
        return prev[row] != NONE || next[row] != NONE;
    }

    void linkBefore(int fresh, int row) {
        int before = prev[row];
        prev[fresh] = before;
        base[fresh] = base[row];
        next[fresh] = row;
        prev[row] = fresh;
        if (before != NONE) {
            next[before] = fresh;
        }
    }

    void linkAfter(int fresh, int row) {
        int after = next[row];
        next[fresh] = after;
        base[fresh] = base[row];
        prev[fresh] = row;
        next[row] = fresh;
        if (after != NONE) {
            prev[after] = fresh;
        }
    }

    private void grow() {
        int longer = (int) Math.min(rows * 2L, Integer.MAX_VALUE - 8);
        address = Arrays.copyOf(address, longer);
        size = Arrays.copyOf(size, longer);
        base = Arrays.copyOf(base, longer);
        requested = Arrays.copyOf(requested, longer);
        prev = Arrays.copyOf(prev, longer);
        next = Arrays.copyOf(next, longer);
        stream = Arrays.copyOf(stream, longer);
        flags = Arrays.copyOf(flags, longer);
        age = Arrays.copyOf(age, longer);
        owner = Arrays.copyOf(owner, longer);
    }
}

package io.headroom.allocator;

/**
 * The free blocks of one stream in one pool, ordered by (size, address).
 *
 * <p>Sizes fall into classes, eight to each power of two, so that most of a search is arithmetic; the blocks of a class are
 * sorted, and a bit for each class says whether it has any.
 */
final class FreeSet {
    private static final int CLASS_BITS = 3;
    private static final int IN_A_POWER = 1 << CLASS_BITS;

    private final SortedBlocks[] classes = new SortedBlocks[64 * IN_A_POWER];
    private final long[] filled = new long[classes.length / 64];
    private int total;

    int size() {
        return total;
    }

    void add(long size, long address, int block) {
        int of = classOf(size);
        if (classes[of] == null) {
            classes[of] = new SortedBlocks();
        }
        classes[of].add(size, address, block);
        filled[of >>> 6] |= 1L << of;
        total++;
    }

    /**
     * Removes an entry.
     *
     * @throws IllegalStateException if there is none
     */
    void remove(long size, long address) {
        int of = classOf(size);
        if (classes[of] == null) {
            throw SortedBlocks.missing(size, address);
        }
        classes[of].remove(size, address);
        removed(of);
    }

    /** Removes the entry at a position; other positions are void then. */
    void removeAt(long position) {
        int of = (int) (position >>> 32);
        classes[of].removeAt((int) position);
        removed(of);
    }

    private void removed(int of) {
        total--;
        if (classes[of].size() == 0) {
            filled[of >>> 6] &= ~(1L << of);
        }
    }

    /** A position for {@link #block}: the first entry of at least (size, address), or −1. */
    long ceiling(long size, long address) {
        int of = classOf(size);
        if (has(of)) {
            int at = classes[of].ceiling(size, address);
            if (at >= 0) {
                return position(of, at);
            }
        }
        return first(of + 1);
    }

    /** The entry after {@code position}, or −1. */
    long next(long position) {
        int of = (int) (position >>> 32);
        int at = classes[of].next((int) position);
        return at >= 0 ? position(of, at) : first(of + 1);
    }

    int block(long position) {
        return classes[(int) (position >>> 32)].block((int) position);
    }

    /** All blocks in order. */
    int[] toArray() {
        int[] all = new int[total];
        copy(all, 0);
        return all;
    }

    /** Puts all blocks in order into {@code to}, from {@code at} on; where they end. */
    int copy(int[] to, int at) {
        int end = at;
        for (int of = nextFilled(0); of >= 0; of = nextFilled(of + 1)) {
            end = classes[of].copy(to, end);
        }
        return end;
    }

    private long first(int from) {
        int of = nextFilled(from);
        return of < 0 ? -1 : position(of, 0);
    }

    private static long position(int of, int at) {
        return (long) of << 32 | at;
    }

    private boolean has(int of) {
        return (filled[of >>> 6] & 1L << of) != 0;
    }

    /** The first class from {@code from} on that has blocks, or −1. */
    private int nextFilled(int from) {
        for (int word = from >>> 6; word < filled.length; word++) {
            long bits = filled[word] & (word == from >>> 6 ? -1L << from : -1L);
            if (bits != 0) {
                return word << 6 | Long.numberOfTrailingZeros(bits);
            }
        }
        return -1;
    }

    /** Grows with the size: its power of two, and the three bits behind the first. */
    static int classOf(long size) {
        if (size < IN_A_POWER) {
            return (int) size;
        }
        int power = 63 - Long.numberOfLeadingZeros(size);
        return power - CLASS_BITS + 1 << CLASS_BITS | (int) (size >>> power - CLASS_BITS) & IN_A_POWER - 1;
    }
}

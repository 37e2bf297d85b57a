package io.headroom.trace;

import java.util.Arrays;

/** Sequences of values by number, equal ones once: most events of a snapshot have a stack seen before. */
final class ContentTable {
    /** Longer chains are no accident: such contents are kept without looking for an equal one. */
    private static final int MOST_PROBES = 500;

    private long[] items = new long[1024];
    private int itemCount;
    /** Of each content where its items begin, and how many. */
    private long[] spans = new long[256];

    private int count;
    private int[] table = new int[1024];

    /** Content 0 is the empty one. */
    ContentTable() {
        store(new long[0], 0, 0);
    }

    int length(int content) {
        return (int) spans[content];
    }

    long item(int content, int i) {
        return items[offset(content) + i];
    }

    void copy(int content, long[] to) {
        System.arraycopy(items, offset(content), to, 0, length(content));
    }

    private int offset(int content) {
        return (int) (spans[content] >>> 32);
    }

    /** The number of {@code stack[from, from + length)}. */
    int intern(long[] stack, int from, int length) {
        if (length == 0) {
            return 0;
        }
        int mask = table.length - 1;
        int slot = hash(stack, from, length) & mask;
        for (int probes = 0; table[slot] != 0; probes++) {
            if (probes > MOST_PROBES) {
                return store(stack, from, length);
            }
            int known = table[slot] - 1;
            int offset = offset(known);
            if (length(known) == length && Arrays.equals(items, offset, offset + length, stack, from, from + length)) {
                return known;
            }
            slot = (slot + 1) & mask;
        }
        int fresh = store(stack, from, length);
        table[slot] = fresh + 1;
        if (count * 2 > table.length) {
            rehash();
        }
        return fresh;
    }

    private static int hash(long[] values, int from, int length) {
        int hash = length;
        for (int i = from; i < from + length; i++) {
            hash = hash * 31 + (int) (values[i] ^ values[i] >>> 29);
        }
        return PickleStore.mix(hash);
    }

    private int store(long[] stack, int from, int length) {
        if ((long) itemCount + length > items.length) {
            items = Arrays.copyOf(items, Math.max(Math.addExact(itemCount, length), PickleStore.grown(items.length)));
        }
        System.arraycopy(stack, from, items, itemCount, length);
        if (count == spans.length) {
            spans = Arrays.copyOf(spans, PickleStore.grown(count));
        }
        spans[count] = (long) itemCount << 32 | length;
        itemCount += length;
        return count++;
    }

    private void rehash() {
        int[] larger = new int[table.length * 2];
        int mask = larger.length - 1;
        for (int known = 1; known < count; known++) {
            int slot = hash(items, offset(known), length(known)) & mask;
            for (int probes = 0; larger[slot] != 0 && probes < MOST_PROBES; probes++) {
                slot = (slot + 1) & mask;
            }
            if (larger[slot] == 0) {
                larger[slot] = known + 1;
            }
        }
        table = larger;
    }
}

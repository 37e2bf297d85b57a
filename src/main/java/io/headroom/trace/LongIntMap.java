package io.headroom.trace;

import java.util.Arrays;

/** Addresses to small numbers, without objects; −1 stands for absent. */
public final class LongIntMap {
    private static final int ABSENT = -1;

    private final long odd = System.nanoTime() * 2 + 0x9E3779B97F4A7C15L | 1;
    private long[] keys = new long[1024];
    private int[] values = new int[1024];
    private int size;

    /** An empty map. */
    public LongIntMap() {
        Arrays.fill(values, ABSENT);
    }

    /** The value under {@code key}, −1 if there is none. */
    public int get(long key) {
        return values[slot(key)];
    }

    /** Sets a value of 0 or more. */
    public void put(long key, int value) {
        int slot = slot(key);
        if (values[slot] == ABSENT) {
            if (size * 2 >= keys.length) {
                grow();
                slot = slot(key);
            }
            size++;
            keys[slot] = key;
        }
        values[slot] = value;
    }

    /** Removes a key and answers what it stood for, −1 if nothing. */
    public int remove(long key) {
        int slot = slot(key);
        int value = values[slot];
        if (value == ABSENT) {
            return ABSENT;
        }
        int mask = keys.length - 1;
        int hole = slot;
        for (int next = hole + 1 & mask; values[next] != ABSENT; next = next + 1 & mask) {
            int home = home(keys[next]);
            if ((next - home & mask) >= (next - hole & mask)) {
                keys[hole] = keys[next];
                values[hole] = values[next];
                hole = next;
            }
        }
        values[hole] = ABSENT;
        size--;
        return value;
    }

    /** How many keys there are. */
    public int size() {
        return size;
    }

    private int home(long key) {
        long mixed = (key ^ key >>> 32) * odd;
        return (int) (mixed >>> 32) & keys.length - 1;
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = home(key);
        while (values[slot] != ABSENT && keys[slot] != key) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldValues = values;
        keys = new long[oldKeys.length * 2];
        values = new int[keys.length];
        Arrays.fill(values, ABSENT);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != ABSENT) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }
}

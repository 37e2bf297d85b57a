package io.headroom.trace;

import java.util.Arrays;

/** Dicts by number: those with the same keys in the same order are the rows of one shape, so a key costs nothing. */
final class DictTable {
    /** No snapshot has a dict of more keys; more would make a hostile file cost time out of proportion. */
    private static final int MOST_KEYS = 512;

    /** Snapshots have some twenty; each costs memory that a hostile file would not pay for. */
    private static final int MOST_SHAPES = 4096;

    private static final int NO_ROW = -1;

    private static final long EMPTY = -1;
    private static final long CONSUMED = -2;

    /** Dicts with the same keys in the same order, one row each. */
    static final class Shape {
        final long[] keys;
        final int index;
        long[] data = {};
        private int rows;
        /** A row given back, in whose first column the next one stands; or {@link #NO_ROW}. */
        private int freeRow = NO_ROW;
        /** Where a reader finds the keys it wants; its own to fill. */
        int[] fields;

        private Shape(long[] keys, int index) {
            this.keys = keys;
            this.index = index;
        }

        int column(long key) {
            for (int i = keys.length - 1; i >= 0; i--) {
                if (keys[i] == key) {
                    return i;
                }
            }
            return -1;
        }

        private int newRow() {
            if (freeRow != NO_ROW) {
                int row = freeRow;
                freeRow = (int) data[row * keys.length];
                return row;
            }
            int end = Math.multiplyExact(rows + 1, keys.length);
            if (end > data.length) {
                data = Arrays.copyOf(data, Math.max(end, rows == 0 ? 0 : PickleStore.grown(data.length)));
            }
            return rows++;
        }

        private void giveBack(int row) {
            data[row * keys.length] = freeRow;
            freeRow = row;
        }

        private boolean matches(long[] stack, int from) {
            for (int i = 0; i < keys.length; i++) {
                if (keys[i] != stack[from + 2 * i]) {
                    return false;
                }
            }
            return true;
        }
    }

    /** Of each dict the shape's number and its row. */
    private final LongColumn dicts = new LongColumn();

    private final Shape[] lastOfWidth = new Shape[MOST_KEYS + 1];
    private Shape[] shapes = new Shape[64];
    private int shapeCount;
    private int[] table = new int[256];

    int add() {
        return dicts.add(EMPTY);
    }

    /** Adds the pairs key, value, key, value … of {@code stack[from, to)}. */
    void put(int dict, long[] stack, int from, int to) throws SnapshotFormatException {
        long ref = dicts.get(dict);
        if (ref == CONSUMED) {
            throw new SnapshotFormatException("an event of the trace is changed after it was recorded");
        }
        if (ref == EMPTY) {
            fill(dict, stack, from, to);
        } else {
            widen(dict, stack, from, to);
        }
    }

    private void fill(int dict, long[] stack, int from, int to) throws SnapshotFormatException {
        int pairs = (to - from) >> 1;
        if (pairs > MOST_KEYS) {
            throw new SnapshotFormatException("a dict of more than " + MOST_KEYS + " keys");
        }
        Shape shape = lastOfWidth[pairs];
        if (shape == null || !shape.matches(stack, from)) {
            shape = shape(stack, from, pairs);
            lastOfWidth[pairs] = shape;
        }
        int row = shape.newRow();
        for (int i = 0; i < pairs; i++) {
            shape.data[row * pairs + i] = stack[from + 2 * i + 1];
        }
        dicts.set(dict, (long) shape.index << 32 | row);
    }

    private void widen(int dict, long[] stack, int from, int to) throws SnapshotFormatException {
        Shape old = shapeOf(dict);
        int row = row(dict);
        int width = old.keys.length;
        long[] all = new long[width * 2 + to - from];
        for (int i = 0; i < width; i++) {
            all[2 * i] = old.keys[i];
            all[2 * i + 1] = old.data[row * width + i];
        }
        System.arraycopy(stack, from, all, width * 2, to - from);
        old.giveBack(row);
        fill(dict, all, 0, all.length);
    }

    private Shape shape(long[] stack, int from, int pairs) throws SnapshotFormatException {
        long[] keys = new long[pairs];
        for (int i = 0; i < pairs; i++) {
            keys[i] = stack[from + 2 * i];
        }
        int slot = slot(table, keys);
        if (table[slot] != 0) {
            return shapes[table[slot] - 1];
        }
        if (shapeCount == MOST_SHAPES) {
            throw new SnapshotFormatException("dicts of more than " + MOST_SHAPES + " kinds");
        }
        if (shapeCount == shapes.length) {
            shapes = Arrays.copyOf(shapes, shapeCount * 2);
        }
        Shape fresh = new Shape(keys, shapeCount);
        shapes[shapeCount++] = fresh;
        table[slot] = shapeCount;
        if (shapeCount * 2 > table.length) {
            int[] larger = new int[table.length * 2];
            for (int i = 0; i < shapeCount; i++) {
                larger[slot(larger, shapes[i].keys)] = i + 1;
            }
            table = larger;
        }
        return fresh;
    }

    /** The place of the shape with these keys, or the empty one where it belongs. */
    private int slot(int[] slots, long[] keys) {
        int mask = slots.length - 1;
        int slot = PickleStore.mix(Arrays.hashCode(keys)) & mask;
        while (slots[slot] != 0 && !Arrays.equals(shapes[slots[slot] - 1].keys, keys)) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    /** The shape of a dict, null if it is empty or was consumed. */
    Shape shapeOf(int dict) {
        long ref = dicts.get(dict);
        return ref < 0 ? null : shapes[(int) (ref >>> 32)];
    }

    int row(int dict) {
        return (int) dicts.get(dict);
    }

    /** Takes back the row of a dict that was read for good. */
    void consume(int dict) {
        shapeOf(dict).giveBack(row(dict));
        dicts.set(dict, CONSUMED);
    }

    /** The value under a key, {@link PickleStore#NONE} if there is none. */
    long get(int dict, long key) {
        Shape shape = shapeOf(dict);
        int column = shape == null ? -1 : shape.column(key);
        return column < 0 ? PickleStore.NONE : shape.data[row(dict) * shape.keys.length + column];
    }
}

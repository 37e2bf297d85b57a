package io.headroom.trace;

import java.util.Arrays;

/**
 * The values of a pickle as tagged longs, dicts as rows of columns by their key sequence, equal short lists once.
 *
 * <p>Nothing here is an object per value: a snapshot has millions, and CPython's own loader needs half a kilobyte for each.
 */
final class PickleStore {
    static final int INT = 0;
    static final int STRING = 1;
    static final int DICT = 2;
    static final int LIST = 3;
    static final int TUPLE = 4;
    static final int WIDE = 5;
    static final int FLOAT = 6;
    static final int SPECIAL = 7;

    static final long NONE = SPECIAL;
    static final long FALSE = 1 << 3 | SPECIAL;
    static final long TRUE = 2 << 3 | SPECIAL;

    /** No snapshot has a dict of more keys; more would make a hostile file cost time out of proportion. */
    static final int MOST_KEYS = 512;

    private static final int SHARED_LENGTH = 512;
    /** Longer chains are no accident: such contents are kept without looking for an equal one. */
    private static final int MOST_PROBES = 500;

    private static final long EMPTY = -1;
    private static final long CONSUMED = -2;

    /** Dicts with the same keys in the same order, one row each. */
    static final class Shape {
        final long[] keys;
        final int index;
        long[] data;
        int rows;
        int[] fields;

        Shape(long[] keys, int index) {
            this.keys = keys;
            this.index = index;
            data = new long[Math.max(keys.length * 4, 4)];
        }

        int column(long key) {
            for (int i = keys.length - 1; i >= 0; i--) {
                if (keys[i] == key) {
                    return i;
                }
            }
            return -1;
        }
    }

    final StringTable strings = new StringTable();

    private Shape[] shapes = new Shape[64];
    private int shapeCount;
    private int[] shapeTable = new int[256];
    private final Shape[] lastOfWidth = new Shape[MOST_KEYS + 1];

    private long[] dicts = new long[1024];
    private int dictCount;

    private int[] lists = new int[1024];
    private int listCount;
    private long[][] own = new long[16][];
    private int[] ownLength = new int[16];
    private int ownCount;

    private long[] items = new long[1024];
    private int itemCount = 0;
    private long[] contents = new long[256];
    private int contentCount;
    private int[] contentTable = new int[1024];

    private long[] wide = new long[64];
    private int wideCount;

    PickleStore() {
        store(new long[0], 0, 0);
    }

    static int tag(long value) {
        return (int) value & 7;
    }

    static int index(long value) {
        return (int) (value >>> 3);
    }

    long integer(long number) {
        long shifted = number << 3;
        return shifted >> 3 == number ? shifted : wide(number, WIDE);
    }

    long real(double number) {
        return wide(Double.doubleToRawLongBits(number), FLOAT);
    }

    private long wide(long bits, int tag) {
        if (wideCount == wide.length) {
            wide = Arrays.copyOf(wide, grown(wideCount));
        }
        wide[wideCount] = bits;
        return (long) wideCount++ << 3 | tag;
    }

    boolean isNumber(long value) {
        int tag = tag(value);
        return tag == INT || tag == WIDE || tag == FLOAT || value == TRUE || value == FALSE;
    }

    /** A number as a long; floats lose their fraction. */
    long longValue(long value) {
        return switch (tag(value)) {
            case INT -> value >> 3;
            case WIDE -> wide[index(value)];
            case FLOAT -> (long) Double.longBitsToDouble(wide[index(value)]);
            default -> value == TRUE ? 1 : 0;
        };
    }

    double doubleValue(long value) {
        return tag(value) == FLOAT ? Double.longBitsToDouble(wide[index(value)]) : longValue(value);
    }

    // dicts

    long newDict() {
        if (dictCount == dicts.length) {
            dicts = Arrays.copyOf(dicts, grown(dictCount));
        }
        dicts[dictCount] = EMPTY;
        return (long) dictCount++ << 3 | DICT;
    }

    /** Adds the pairs key, value, key, value … of {@code stack[from, to)}. */
    void put(long dict, long[] stack, int from, int to) throws SnapshotFormatException {
        int id = index(dict);
        int pairs = (to - from) >> 1;
        if (dicts[id] == CONSUMED) {
            throw new SnapshotFormatException("an event of the trace is changed after it was recorded");
        }
        if (dicts[id] != EMPTY) {
            long[] all = new long[(width(id) + pairs) * 2];
            Shape old = shapes[(int) (dicts[id] >>> 32)];
            int row = (int) dicts[id];
            int n = 0;
            for (int i = 0; i < old.keys.length; i++) {
                all[n++] = old.keys[i];
                all[n++] = old.data[row * old.keys.length + i];
            }
            System.arraycopy(stack, from, all, n, to - from);
            if (row == old.rows - 1) {
                old.rows--;
            }
            dicts[id] = EMPTY;
            put(dict, all, 0, all.length);
            return;
        }
        if (pairs > MOST_KEYS) {
            throw new SnapshotFormatException("a dict of more than " + MOST_KEYS + " keys");
        }
        Shape shape = lastOfWidth[pairs];
        if (shape == null || !matches(shape, stack, from)) {
            shape = shape(stack, from, pairs);
            lastOfWidth[pairs] = shape;
        }
        int at = shape.rows * pairs;
        if ((long) at + pairs > shape.data.length) {
            shape.data = Arrays.copyOf(shape.data, Math.max(at + pairs, grown(shape.data.length)));
        }
        for (int i = 0; i < pairs; i++) {
            shape.data[at + i] = stack[from + 2 * i + 1];
        }
        dicts[id] = (long) shape.index << 32 | shape.rows++;
    }

    private static boolean matches(Shape shape, long[] stack, int from) {
        long[] keys = shape.keys;
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] != stack[from + 2 * i]) {
                return false;
            }
        }
        return true;
    }

    private Shape shape(long[] stack, int from, int pairs) {
        long[] keys = new long[pairs];
        for (int i = 0; i < pairs; i++) {
            keys[i] = stack[from + 2 * i];
        }
        int mask = shapeTable.length - 1;
        int slot = mix(Arrays.hashCode(keys)) & mask;
        while (shapeTable[slot] != 0) {
            Shape known = shapes[shapeTable[slot] - 1];
            if (Arrays.equals(known.keys, keys)) {
                return known;
            }
            slot = (slot + 1) & mask;
        }
        if (shapeCount == shapes.length) {
            shapes = Arrays.copyOf(shapes, shapeCount * 2);
        }
        Shape fresh = new Shape(keys, shapeCount);
        shapes[shapeCount++] = fresh;
        shapeTable[slot] = shapeCount;
        if (shapeCount * 2 > shapeTable.length) {
            int[] larger = new int[shapeTable.length * 2];
            for (int i = 0; i < shapeCount; i++) {
                int place = mix(Arrays.hashCode(shapes[i].keys)) & (larger.length - 1);
                while (larger[place] != 0) {
                    place = (place + 1) & (larger.length - 1);
                }
                larger[place] = i + 1;
            }
            shapeTable = larger;
        }
        return fresh;
    }

    private int width(int id) {
        return dicts[id] < 0 ? 0 : shapes[(int) (dicts[id] >>> 32)].keys.length;
    }

    /** The shape of a dict, null if it is empty or was consumed. */
    Shape shapeOf(long dict) {
        long ref = dicts[index(dict)];
        return ref < 0 ? null : shapes[(int) (ref >>> 32)];
    }

    int row(long dict) {
        return (int) dicts[index(dict)];
    }

    /** Takes back the newest rows of a shape after their dicts were read for good. */
    void consume(long dict) {
        long ref = dicts[index(dict)];
        Shape shape = shapes[(int) (ref >>> 32)];
        if ((int) ref == shape.rows - 1) {
            shape.rows--;
        }
        dicts[index(dict)] = CONSUMED;
    }

    /** The value under a key, {@link #NONE} if there is none. */
    long get(long dict, long key) {
        if (tag(dict) != DICT) {
            return NONE;
        }
        Shape shape = shapeOf(dict);
        int column = shape == null ? -1 : shape.column(key);
        return column < 0 ? NONE : shape.data[row(dict) * shape.keys.length + column];
    }

    int dicts() {
        return dictCount;
    }

    int lists() {
        return listCount;
    }

    // lists and tuples

    long newList() {
        if (listCount == lists.length) {
            lists = Arrays.copyOf(lists, grown(listCount));
        }
        lists[listCount] = 0;
        return (long) listCount++ << 3 | LIST;
    }

    void append(long list, long[] stack, int from, int to) {
        int id = index(list);
        int length = to - from;
        if (lists[id] == 0 && length <= SHARED_LENGTH) {
            lists[id] = content(stack, from, length);
            return;
        }
        if (lists[id] >= 0) {
            if (ownCount == own.length) {
                own = Arrays.copyOf(own, ownCount * 2);
                ownLength = Arrays.copyOf(ownLength, ownCount * 2);
            }
            int before = lists[id] == 0 ? 0 : (int) contents[lists[id]];
            own[ownCount] = new long[before + length];
            System.arraycopy(items, offset(lists[id]), own[ownCount], 0, before);
            ownLength[ownCount] = before;
            lists[id] = ~ownCount++;
        }
        int mine = ~lists[id];
        int needed = ownLength[mine] + length;
        if (needed > own[mine].length) {
            own[mine] = Arrays.copyOf(own[mine], Math.max(needed, grown(own[mine].length)));
        }
        System.arraycopy(stack, from, own[mine], ownLength[mine], length);
        ownLength[mine] = needed;
    }

    long tuple(long[] stack, int from, int to) {
        return (long) content(stack, from, to - from) << 3 | TUPLE;
    }

    int length(long sequence) {
        int ref = ref(sequence);
        return ref < 0 ? ownLength[~ref] : (int) contents[ref];
    }

    long item(long sequence, int i) {
        int ref = ref(sequence);
        return ref < 0 ? own[~ref][i] : items[offset(ref) + i];
    }

    boolean isSequence(long value) {
        return tag(value) == LIST || tag(value) == TUPLE;
    }

    /** The number of a list's content, the same for equal lists; 0 for an empty or a long one. */
    int contentOf(long value) {
        return isSequence(value) ? Math.max(ref(value), 0) : 0;
    }

    int contentLength(int content) {
        return (int) contents[content];
    }

    long contentItem(int content, int i) {
        return items[offset(content) + i];
    }

    private int ref(long sequence) {
        return tag(sequence) == LIST ? lists[index(sequence)] : index(sequence);
    }

    private int offset(int content) {
        return (int) (contents[content] >>> 32);
    }

    private int content(long[] stack, int from, int length) {
        if (length == 0) {
            return 0;
        }
        int hash = length;
        for (int i = from; i < from + length; i++) {
            hash = hash * 31 + (int) (stack[i] ^ stack[i] >>> 29);
        }
        int mask = contentTable.length - 1;
        int slot = mix(hash) & mask;
        for (int probes = 0; contentTable[slot] != 0; probes++) {
            if (probes > MOST_PROBES) {
                return store(stack, from, length);
            }
            int known = contentTable[slot] - 1;
            int offset = offset(known);
            if ((int) contents[known] == length
                    && Arrays.equals(items, offset, offset + length, stack, from, from + length)) {
                return known;
            }
            slot = (slot + 1) & mask;
        }
        int fresh = store(stack, from, length);
        contentTable[slot] = fresh + 1;
        if (contentCount * 2 > contentTable.length) {
            rehashContents();
        }
        return fresh;
    }

    private int store(long[] stack, int from, int length) {
        if ((long) itemCount + length > items.length) {
            items = Arrays.copyOf(items, Math.max(Math.addExact(itemCount, length), grown(items.length)));
        }
        System.arraycopy(stack, from, items, itemCount, length);
        if (contentCount == contents.length) {
            contents = Arrays.copyOf(contents, grown(contentCount));
        }
        contents[contentCount] = (long) itemCount << 32 | length;
        itemCount += length;
        return contentCount++;
    }

    private void rehashContents() {
        int[] larger = new int[contentTable.length * 2];
        int mask = larger.length - 1;
        for (int known = 0; known < contentCount; known++) {
            int offset = offset(known);
            int length = (int) contents[known];
            int hash = length;
            for (int i = offset; i < offset + length; i++) {
                hash = hash * 31 + (int) (items[i] ^ items[i] >>> 29);
            }
            int slot = mix(hash) & mask;
            int probes = 0;
            while (larger[slot] != 0 && probes++ < MOST_PROBES) {
                slot = (slot + 1) & mask;
            }
            if (larger[slot] == 0) {
                larger[slot] = known + 1;
            }
        }
        contentTable = larger;
    }

    private static int mix(int hash) {
        int mixed = hash * 0x9E3779B9;
        return mixed ^ mixed >>> 15;
    }

    /** Half as much again; arrays that no longer fit an int are a clear end. */
    static int grown(int length) {
        if (length >= Integer.MAX_VALUE - 8) {
            throw new OutOfMemoryError("more than 2^31 values of one kind");
        }
        return (int) Math.min((long) length + (length >> 1) + 16, Integer.MAX_VALUE - 8);
    }
}

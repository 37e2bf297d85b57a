package io.headroom.trace;

import io.headroom.trace.DictTable.Shape;
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

    private static final int SHARED_LENGTH = 512;

    final StringTable strings = new StringTable();
    private final DictTable dicts = new DictTable();
    private final ContentTable contents = new ContentTable();
    private final LongColumn wide = new LongColumn();

    /** Of each list its content, or the complement of its number among those with items of their own. */
    private final IntColumn lists = new IntColumn();

    private long[][] own = new long[16][];
    private int[] ownLength = new int[16];
    private int ownCount;

    static int tag(long value) {
        return (int) value & 7;
    }

    static int index(long value) {
        return (int) (value >>> 3);
    }

    // numbers

    long integer(long number) {
        long shifted = number << 3;
        return shifted >> 3 == number ? shifted : (long) wide.add(number) << 3 | WIDE;
    }

    long real(double number) {
        return (long) wide.add(Double.doubleToRawLongBits(number)) << 3 | FLOAT;
    }

    boolean isNumber(long value) {
        int tag = tag(value);
        return tag == INT || tag == WIDE || tag == FLOAT || value == TRUE || value == FALSE;
    }

    /** A number as a long; floats lose their fraction. */
    long longValue(long value) {
        return switch (tag(value)) {
            case INT -> value >> 3;
            case WIDE -> wide.get(index(value));
            case FLOAT -> (long) Double.longBitsToDouble(wide.get(index(value)));
            default -> value == TRUE ? 1 : 0;
        };
    }

    double doubleValue(long value) {
        return tag(value) == FLOAT ? Double.longBitsToDouble(wide.get(index(value))) : longValue(value);
    }

    // dicts

    long newDict() {
        return (long) dicts.add() << 3 | DICT;
    }

    /** Adds the pairs key, value, key, value … of {@code stack[from, to)}. */
    void put(long dict, long[] stack, int from, int to) throws SnapshotFormatException {
        dicts.put(index(dict), stack, from, to);
    }

    /** The shape of a dict, null if it is empty or was consumed. */
    Shape shapeOf(long dict) {
        return dicts.shapeOf(index(dict));
    }

    int row(long dict) {
        return dicts.row(index(dict));
    }

    /** Takes back the row of a dict that was read for good. */
    void consume(long dict) {
        dicts.consume(index(dict));
    }

    /** The value under a key, {@link #NONE} if there is none or {@code dict} is no dict. */
    long get(long dict, long key) {
        return tag(dict) == DICT ? dicts.get(index(dict), key) : NONE;
    }

    // lists and tuples

    long newList() {
        return (long) lists.add(0) << 3 | LIST;
    }

    void append(long list, long[] stack, int from, int to) {
        int id = index(list);
        int length = to - from;
        int ref = lists.get(id);
        if (ref == 0 && length <= SHARED_LENGTH) {
            lists.set(id, contents.intern(stack, from, length));
            return;
        }
        int mine = ref < 0 ? ~ref : ownCopy(id, ref, length);
        int needed = Math.addExact(ownLength[mine], length);
        if (needed > own[mine].length) {
            own[mine] = Arrays.copyOf(own[mine], Math.max(needed, grown(own[mine].length)));
        }
        System.arraycopy(stack, from, own[mine], ownLength[mine], length);
        ownLength[mine] = needed;
    }

    private int ownCopy(int id, int content, int more) {
        if (ownCount == own.length) {
            own = Arrays.copyOf(own, ownCount * 2);
            ownLength = Arrays.copyOf(ownLength, ownCount * 2);
        }
        int length = contents.length(content);
        own[ownCount] = new long[length + more];
        contents.copy(content, own[ownCount]);
        ownLength[ownCount] = length;
        lists.set(id, ~ownCount);
        return ownCount++;
    }

    long tuple(long[] stack, int from, int to) {
        return (long) contents.intern(stack, from, to - from) << 3 | TUPLE;
    }

    int length(long sequence) {
        int ref = ref(sequence);
        return ref < 0 ? ownLength[~ref] : contents.length(ref);
    }

    long item(long sequence, int i) {
        int ref = ref(sequence);
        return ref < 0 ? own[~ref][i] : contents.item(ref, i);
    }

    boolean isSequence(long value) {
        return tag(value) == LIST || tag(value) == TUPLE;
    }

    /** The number of a list's content, the same for equal lists; 0 for an empty or a long one. */
    int contentOf(long value) {
        return isSequence(value) ? Math.max(ref(value), 0) : 0;
    }

    int contentLength(int content) {
        return contents.length(content);
    }

    long contentItem(int content, int i) {
        return contents.item(content, i);
    }

    private int ref(long sequence) {
        return tag(sequence) == LIST ? lists.get(index(sequence)) : index(sequence);
    }

    static int mix(int hash) {
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

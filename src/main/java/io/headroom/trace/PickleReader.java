package io.headroom.trace;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Runs a pickle of plain values, protocols 2 to 5, in one pass; an opcode that would build any other object is refused.
 *
 * <p>Lists below the key {@code device_traces} are handed to a sink as they come and not kept.
 */
final class PickleReader {
    /** Takes the events of one device as the pickle appends them. */
    interface EventSink {
        void events(long list, PickleStore store, long[] stack, int from, int to) throws SnapshotFormatException;
    }

    private static final int MOST_MARKS = 1000;
    private static final int FARTHEST_MEMO = 1024;
    private static final int MOST_STACK = 1 << 25;
    private static final int LONGEST_STRING = 1 << 24;

    private final InputStream in;
    private final EventSink sink;
    final PickleStore store = new PickleStore();
    private final long traceKey;

    private byte[] buffer = new byte[1 << 18];
    private int position;
    private int limit;
    private long consumed;

    private long[] stack = new long[1024];
    private int top;
    private int[] marks = new int[64];
    private int depth;
    private IntColumn memo = new IntColumn();
    private int traceKeyAt = -1;

    PickleReader(InputStream in, EventSink sink) throws SnapshotFormatException {
        this.in = in;
        this.sink = sink;
        traceKey = (long) store.strings.intern("device_traces") << 3 | PickleStore.STRING;
    }

    /** The pickled value. */
    long read() throws IOException {
        refuseOtherFormats();
        while (true) {
            int opcode = next();
            if (top + 4 > stack.length) {
                growStack();
            }
            switch (opcode) {
                case 'h' -> stack[top++] = remembered(next());
                case 'j' -> stack[top++] = remembered(int32());
                case 'K' -> stack[top++] = (long) next() << 3;
                case 'J' -> stack[top++] = (long) int32() << 3;
                case 0x8a -> stack[top++] = store.integer(bigInteger(next()));
                case '}' -> stack[top++] = store.newDict();
                case ']' -> stack[top++] = store.newList();
                case 0x94 -> memoize(memo.size(), peek());
                case 'r' -> memoize(int32(), peek());
                case '(' -> mark();
                case 'u' -> setItems(popMark());
                case 'e' -> append(popMark());
                case '.' -> {
                    return end();
                }
                default -> seldom(opcode);
            }
        }
    }

    /** The other opcodes: a snapshot has few of them, and apart they keep the loop above small for the compiler. */
    private void seldom(int opcode) throws IOException {
        switch (opcode) {
            case 'M' -> stack[top++] = (long) (next() | next() << 8) << 3;
            case 'N' -> stack[top++] = PickleStore.NONE;
            case 0x88 -> stack[top++] = PickleStore.TRUE;
            case 0x89 -> stack[top++] = PickleStore.FALSE;
            case 'G' -> stack[top++] = store.real(Double.longBitsToDouble(Long.reverseBytes(int64())));
            case 0x8b -> stack[top++] = store.integer(bigInteger(int32()));
            case 0x8c, 'U' -> string(next());
            case 'X', 'T' -> string(int32());
            case 0x8d -> string(int64());
            case 's' -> setItems(top - 2);
            case 'a' -> append(top - 1);
            case 'q' -> memoize(next(), peek());
            case ')' -> stack[top++] = store.tuple(stack, top, top);
            case 0x85 -> tuple(top - 1);
            case 0x86 -> tuple(top - 2);
            case 0x87 -> tuple(top - 3);
            case 't' -> tuple(popMark());
            case 'd' -> collect(store.newDict(), true);
            case 'l' -> collect(store.newList(), false);
            case '0' -> pop();
            case '1' -> top = popMark();
            case '2' -> {
                stack[top] = peek();
                top++;
            }
            case 0x95 -> int64();
            case 0x80 -> protocol(next());
            default -> throw refused(opcode);
        }
    }

    private long end() throws IOException {
        if (top != 1 || depth != 0) {
            throw wrong("the pickle ends with " + top + " values instead of one");
        }
        memo = null;
        return stack[0];
    }

    private void refuseOtherFormats() throws IOException {
        if (!refill()) {
            throw new SnapshotFormatException("the file is empty");
        }
        int first = buffer[0] & 0xFF;
        int second = limit > 1 ? buffer[1] & 0xFF : -1;
        if (first == 0x80) {
            return;
        }
        String what = "it does not begin like a pickle of protocol 2 to 5";
        if (first == 0x1f && second == 0x8b) {
            what = "it is compressed with gzip: unpack it first (gunzip)";
        } else if (first == 'P' && second == 'K') {
            what = "it is a zip archive: a saved model (torch.save), or unpack it first";
        } else if (first == 0xfd && second == '7') {
            what = "it is compressed with xz: unpack it first (xz -d)";
        } else if (first == '{' || first == '[' && second != '(' || first == ' ' || first == '\n') {
            what = "it is text, perhaps JSON";
        } else if (first == '(' || first == ']' || first == '}') {
            what = "it is a pickle of protocol 0 or 1: write it again with protocol=4";
        }
        throw new SnapshotFormatException(what);
    }

    private void protocol(int version) throws IOException {
        if (version < 2 || version > 5) {
            throw wrong("pickle protocol " + version + "; 2 to 5 are known");
        }
    }

    private void mark() throws IOException {
        if (depth == marks.length) {
            if (depth >= MOST_MARKS) {
                throw wrong("values are nested more than " + MOST_MARKS + " deep");
            }
            marks = Arrays.copyOf(marks, Math.min(depth * 2, MOST_MARKS));
        }
        marks[depth++] = top;
    }

    private int popMark() throws IOException {
        if (depth == 0) {
            throw wrong("a mark is missing");
        }
        int mark = marks[--depth];
        if (mark > top) {
            throw wrong("a mark lies above the stack");
        }
        return mark;
    }

    private long peek() throws IOException {
        if (top == 0) {
            throw wrong("the stack is empty");
        }
        return stack[top - 1];
    }

    private void pop() throws IOException {
        if (top == 0) {
            throw wrong("the stack is empty");
        }
        top--;
    }

    private void setItems(int from) throws IOException {
        if (from < 1 || (top - from & 1) != 0 || PickleStore.tag(stack[from - 1]) != PickleStore.DICT) {
            throw wrong("items without a dict to set them in");
        }
        if (top > from) {
            store.put(stack[from - 1], stack, from, top);
        }
        top = from;
    }

    private void append(int from) throws IOException {
        if (from < 1 || PickleStore.tag(stack[from - 1]) != PickleStore.LIST) {
            throw wrong("items without a list to append them to");
        }
        if (isDeviceTrace(from - 1)) {
            sink.events(stack[from - 1], store, stack, from, top);
        } else if (top > from) {
            store.append(stack[from - 1], stack, from, top);
        }
        top = from;
    }

    /** Whether the list at this place of the stack is an element of the list under {@code device_traces}. */
    private boolean isDeviceTrace(int at) {
        int key = traceKeyAt;
        if (key < 0 || key >= top || stack[key] != traceKey || at < key + 2) {
            return false;
        }
        int between = 0;
        for (int i = depth - 1; i >= 0 && marks[i] > key; i--) {
            between++;
        }
        return between == 0 && at == key + 2 || between == 1 && marks[depth - 1] == key + 2;
    }

    private void tuple(int from) throws IOException {
        if (from < 0) {
            throw wrong("the stack is empty");
        }
        long tuple = store.tuple(stack, from, top);
        stack[from] = tuple;
        top = from + 1;
    }

    private void collect(long fresh, boolean dict) throws IOException {
        int from = popMark();
        if (dict && (top - from & 1) != 0) {
            throw wrong("a key without a value");
        }
        if (dict && top > from) {
            store.put(fresh, stack, from, top);
        } else if (top > from) {
            store.append(fresh, stack, from, top);
        }
        top = from;
        stack[top++] = fresh;
    }

    private void memoize(int index, long value) throws IOException {
        // Entries left out are cheap to write; no more of them than bytes were read.
        if (index < 0 || index > Math.min(memo.size(), consumed + position) + FARTHEST_MEMO) {
            throw wrong("memo entry " + (index & 0xFFFFFFFFL) + " after " + memo.size() + " entries");
        }
        if (value != (int) value) {
            throw wrong("a number in the memo, or more than 2^28 values of one kind");
        }
        while (index >= memo.size()) {
            memo.add(-1);
        }
        memo.set(index, (int) value);
    }

    private long remembered(int index) throws IOException {
        if (index < 0 || index >= memo.size() || memo.get(index) == -1) {
            throw wrong("memo entry " + (index & 0xFFFFFFFFL) + " was never written");
        }
        long value = memo.get(index);
        if (value == traceKey) {
            traceKeyAt = top;
        }
        return value;
    }

    private void string(long length) throws IOException {
        if (length < 0 || length > LONGEST_STRING) {
            throw wrong("a string of " + length + " bytes");
        }
        int bytes = (int) length;
        need(bytes);
        long value = (long) store.strings.intern(buffer, position, bytes) << 3 | PickleStore.STRING;
        position += bytes;
        if (value == traceKey) {
            traceKeyAt = top;
        }
        stack[top++] = value;
    }

    /** Little-endian two's complement; of more than eight bytes the low 64 bits. */
    private long bigInteger(int length) throws IOException {
        if (length < 0 || length > 255) {
            throw wrong("an integer of " + length + " bytes");
        }
        need(length);
        long value = 0;
        int low = Math.min(length, 8);
        for (int i = 0; i < low; i++) {
            value |= (buffer[position + i] & 0xFFL) << (8 * i);
        }
        if (length > 0 && length < 8 && buffer[position + length - 1] < 0) {
            value |= -1L << (8 * length);
        }
        position += length;
        return value;
    }

    private int next() throws IOException {
        if (position == limit && !refill()) {
            throw wrong("the file is cut off");
        }
        return buffer[position++] & 0xFF;
    }

    private int int32() throws IOException {
        need(4);
        int at = position;
        position += 4;
        return buffer[at] & 0xFF | (buffer[at + 1] & 0xFF) << 8 | (buffer[at + 2] & 0xFF) << 16 | buffer[at + 3] << 24;
    }

    private long int64() throws IOException {
        long low = int32() & 0xFFFFFFFFL;
        return low | (long) int32() << 32;
    }

    private void need(int bytes) throws IOException {
        if (limit - position >= bytes) {
            return;
        }
        if (bytes > buffer.length) {
            buffer = Arrays.copyOf(buffer, bytes);
        }
        System.arraycopy(buffer, position, buffer, 0, limit - position);
        limit -= position;
        consumed += position;
        position = 0;
        while (limit < bytes) {
            int read = in.read(buffer, limit, buffer.length - limit);
            if (read < 0) {
                throw wrong("the file is cut off");
            }
            limit += read;
        }
    }

    private boolean refill() throws IOException {
        consumed += position;
        position = 0;
        limit = 0;
        int read = in.read(buffer, 0, buffer.length);
        limit = Math.max(read, 0);
        return read > 0;
    }

    private void growStack() throws IOException {
        if (stack.length >= MOST_STACK) {
            throw wrong("more than " + MOST_STACK + " values wait on the stack");
        }
        stack = Arrays.copyOf(stack, stack.length * 2);
    }

    private SnapshotFormatException refused(int opcode) {
        String name =
                switch (opcode) {
                    case 'c', 0x93 -> "a reference to a Python class or function (GLOBAL)";
                    case 'R' -> "a function call (REDUCE)";
                    case 'o', 'i', 'b', 0x81, 0x92 -> "a Python object";
                    case 'P', 'Q' -> "a persistent id";
                    case 0x82, 0x83, 0x84 -> "an extension object";
                    case 'B', 'C', 0x8e, 0x96 -> "a byte string";
                    default -> "opcode 0x" + Integer.toHexString(opcode);
                };
        return wrong(name + " is in the file; a snapshot holds plain values only, and nothing was executed");
    }

    private SnapshotFormatException wrong(String what) {
        return new SnapshotFormatException(what + " (byte " + (consumed + position) + ")");
    }
}

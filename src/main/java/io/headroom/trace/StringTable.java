package io.headroom.trace;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Strings by number, found by their UTF-8 bytes: a repeated string costs no object. */
final class StringTable {
    /** Chains this long do not come about by chance; without an end a hostile file would take quadratic time. */
    private static final int MOST_PROBES = 2000;

    /** No name, path or setting is longer; a long string told over and over would take time and memory without end. */
    private static final int LONGEST_TEXT = 8192;

    private byte[][] strings = new byte[256][];
    private int[] table = new int[1024];
    private int count;

    int intern(byte[] source, int from, int length) throws SnapshotFormatException {
        int hash = hash(source, from, length);
        int mask = table.length - 1;
        int slot = hash & mask;
        for (int probes = 0; table[slot] != 0; probes++) {
            if (probes > MOST_PROBES) {
                throw new SnapshotFormatException("its strings are made to collide");
            }
            byte[] known = strings[table[slot] - 1];
            if (known.length == length && Arrays.equals(known, 0, length, source, from, from + length)) {
                return table[slot] - 1;
            }
            slot = (slot + 1) & mask;
        }
        if (count == strings.length) {
            strings = Arrays.copyOf(strings, count * 2);
        }
        strings[count] = Arrays.copyOfRange(source, from, from + length);
        table[slot] = ++count;
        if (count * 2 > table.length) {
            rehash();
        }
        return count - 1;
    }

    int intern(String text) throws SnapshotFormatException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return intern(bytes, 0, bytes.length);
    }

    /** A string, of a very long one the beginning. */
    String get(int index) {
        byte[] bytes = strings[index];
        return new String(bytes, 0, Math.min(bytes.length, LONGEST_TEXT), StandardCharsets.UTF_8);
    }

    int size() {
        return count;
    }

    private void rehash() {
        int[] larger = new int[table.length * 2];
        int mask = larger.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = hash(strings[i], 0, strings[i].length) & mask;
            while (larger[slot] != 0) {
                slot = (slot + 1) & mask;
            }
            larger[slot] = i + 1;
        }
        table = larger;
    }

    private static int hash(byte[] source, int from, int length) {
        int hash = length;
        for (int i = from; i < from + length; i++) {
            hash = hash * 31 + source[i];
        }
        hash *= 0x9E3779B9;
        return hash ^ hash >>> 15;
    }
}

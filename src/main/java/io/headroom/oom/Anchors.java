package io.headroom.oom;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * One pass over a text finds every known beginning of a message: an Aho–Corasick automaton over squeezed letters.
 *
 * <p>Fed with raw bytes it steps over blanks, line breaks and quotes by itself, so that a log need not be copied to be
 * searched.
 */
final class Anchors {
    private static final int NONE = -1;

    private final int[] letter = new int[256];
    private final int letters;
    private final int[] next;
    private final int[] found;
    private final int[] lengths;

    Anchors(List<String> literals) {
        Arrays.fill(letter, NONE);
        int count = 1;
        for (String literal : literals) {
            for (char c : literal.toCharArray()) {
                if (letter[c] == NONE) {
                    letter[c] = count++;
                }
            }
        }
        for (int c = 0; c < 256; c++) {
            char lower = Squeezed.lower((char) c);
            if (!Squeezed.isKept(c)) {
                letter[c] = NONE;
            } else if (letter[lower] == NONE) {
                letter[c] = 0;
            } else {
                letter[c] = letter[lower];
            }
        }
        letters = count;
        int size = 1 + literals.stream().mapToInt(String::length).sum();
        next = new int[size * letters];
        found = new int[size];
        lengths = literals.stream().mapToInt(String::length).toArray();
        Arrays.fill(found, NONE);
        build(literals);
    }

    private void build(List<String> literals) {
        int states = 1;
        for (int index = 0; index < literals.size(); index++) {
            int state = 0;
            for (char c : literals.get(index).toCharArray()) {
                int slot = state * letters + letter[c];
                if (next[slot] == 0) {
                    next[slot] = states++;
                }
                state = next[slot];
            }
            found[state] = index;
        }
        int[] fail = new int[states];
        Deque<Integer> queue = new ArrayDeque<>();
        for (int l = 0; l < letters; l++) {
            if (next[l] != 0) {
                queue.add(next[l]);
            }
        }
        while (!queue.isEmpty()) {
            int state = queue.remove();
            if (found[state] == NONE) {
                found[state] = found[fail[state]];
            }
            for (int l = 0; l < letters; l++) {
                int slot = state * letters + l;
                int fallback = next[fail[state] * letters + l];
                if (next[slot] == 0) {
                    next[slot] = fallback;
                } else {
                    fail[next[slot]] = fallback;
                    queue.add(next[slot]);
                }
            }
        }
    }

    int length(int literal) {
        return lengths[literal];
    }

    /** Called with each literal found and the index right after it. */
    interface Hit {
        void at(int literal, int end);
    }

    void search(String squeezed, Hit hit) {
        int state = 0;
        for (int i = 0; i < squeezed.length(); i++) {
            state = next[state * letters + letter[squeezed.charAt(i)]];
            if (found[state] != NONE) {
                hit.at(found[state], i + 1);
            }
        }
    }

    /** Goes on from {@code state} and stops behind a literal or at {@code to}: the index high, the state low, {@link #FOUND}. */
    long search(byte[] bytes, int from, int to, int state) {
        int s = state;
        for (int i = from; i < to; i++) {
            int l = letter[bytes[i] & 0xff];
            if (l >= 0) {
                s = next[s * letters + l];
                if (found[s] != NONE) {
                    return ((long) (i + 1) << 32) | s | FOUND;
                }
            }
        }
        return ((long) to << 32) | s;
    }

    /** Marks in {@link #search(byte[], int, int, int)}'s answer that a literal ends there. */
    static final long FOUND = 1L << 31;
}

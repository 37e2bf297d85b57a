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
    private static final int ROW = 256;

    /** A row of next rows for each state, both as offsets; negative where a literal ends. */
    private final int[] next;

    private final int[] found;
    private final int[] lengths;

    Anchors(List<String> literals) {
        int size = 1 + literals.stream().mapToInt(String::length).sum();
        next = new int[size * ROW];
        found = new int[size];
        lengths = literals.stream().mapToInt(String::length).toArray();
        Arrays.fill(found, NONE);
        int states = trie(literals);
        links(states);
        compile(states);
    }

    private int trie(List<String> literals) {
        int states = 1;
        for (int index = 0; index < literals.size(); index++) {
            int state = 0;
            for (char c : literals.get(index).toCharArray()) {
                int slot = state * ROW + c;
                if (next[slot] == 0) {
                    next[slot] = states++;
                }
                state = next[slot];
            }
            found[state] = index;
        }
        return states;
    }

    private void links(int states) {
        int[] fail = new int[states];
        Deque<Integer> queue = new ArrayDeque<>();
        for (int c = 0; c < ROW; c++) {
            if (next[c] != 0) {
                queue.add(next[c]);
            }
        }
        while (!queue.isEmpty()) {
            int state = queue.remove();
            if (found[state] == NONE) {
                found[state] = found[fail[state]];
            }
            for (int c = 0; c < ROW; c++) {
                int slot = state * ROW + c;
                int fallback = next[fail[state] * ROW + c];
                if (next[slot] == 0) {
                    next[slot] = fallback;
                } else {
                    fail[next[slot]] = fallback;
                    queue.add(next[slot]);
                }
            }
        }
    }

    /** Upper case goes where lower case goes, what takes no part stays in its state, ends become negative. */
    private void compile(int states) {
        for (int state = 0; state < states; state++) {
            int row = state * ROW;
            for (int c = 0; c < ROW; c++) {
                int to = next[row + c];
                next[row + c] = !Squeezed.isKept(c) ? row : found[to] == NONE ? to * ROW : -to * ROW - 1;
            }
            for (int c = 'A'; c <= 'Z'; c++) {
                next[row + c] = next[row + Squeezed.lower((char) c)];
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
        int row = 0;
        for (int i = 0; i < squeezed.length(); i++) {
            row = next[row + squeezed.charAt(i)];
            if (row < 0) {
                row = -row - 1;
                hit.at(found[row / ROW], i + 1);
            }
        }
    }

    /** Goes on from {@code state} and stops behind a literal or at {@code to}: the index high, the state low, {@link #FOUND}. */
    long search(byte[] bytes, int from, int to, int state) {
        int[] table = next;
        int row = state;
        for (int i = from; i < to; i++) {
            row = table[row + (bytes[i] & 0xff)];
            if (row < 0) {
                return ((long) (i + 1) << 32) | (-row - 1) | FOUND;
            }
        }
        return ((long) to << 32) | row;
    }

    /** Marks in {@link #search(byte[], int, int, int)}'s answer that a literal ends there. */
    static final long FOUND = 1L << 31;
}

package io.headroom.trace;

import java.util.Arrays;

/** Ints by number in chunks: growing copies nothing, so a column never takes twice its size. */
final class IntColumn {
    private static final int CHUNK_BITS = 14;
    private static final int CHUNK = 1 << CHUNK_BITS;

    private int[][] chunks = new int[4][];
    private int size;

    int add(int value) {
        int chunk = size >>> CHUNK_BITS;
        if ((size & CHUNK - 1) == 0) {
            if (chunk == chunks.length) {
                chunks = Arrays.copyOf(chunks, Math.multiplyExact(chunk, 2));
            }
            chunks[chunk] = new int[CHUNK];
        }
        chunks[chunk][size & CHUNK - 1] = value;
        return size++;
    }

    int get(int at) {
        return chunks[at >>> CHUNK_BITS][at & CHUNK - 1];
    }

    void set(int at, int value) {
        chunks[at >>> CHUNK_BITS][at & CHUNK - 1] = value;
    }

    int size() {
        return size;
    }
}

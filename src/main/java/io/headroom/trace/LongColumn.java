package io.headroom.trace;

import java.util.Arrays;

/** Longs by number in chunks: growing copies nothing, so a column never takes twice its size. */
final class LongColumn {
    private static final int CHUNK_BITS = 14;
    private static final int CHUNK = 1 << CHUNK_BITS;

    private long[][] chunks = new long[4][];
    private int size;

    int add(long value) {
        int chunk = size >>> CHUNK_BITS;
        if ((size & CHUNK - 1) == 0) {
            if (chunk == chunks.length) {
                chunks = Arrays.copyOf(chunks, Math.multiplyExact(chunk, 2));
            }
            chunks[chunk] = new long[CHUNK];
        }
        chunks[chunk][size & CHUNK - 1] = value;
        return size++;
    }

    long get(int at) {
        return chunks[at >>> CHUNK_BITS][at & CHUNK - 1];
    }

    void set(int at, long value) {
        chunks[at >>> CHUNK_BITS][at & CHUNK - 1] = value;
    }
}

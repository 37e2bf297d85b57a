package io.headroom.trace;

import io.headroom.units.Bytes;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Consumer;

/** A file's stream that tells every few megabytes how much of it was read. */
final class WatchedStream extends FilterInputStream {
    private static final long STEP = 4 * Bytes.MIB;

    private final long size;
    private final Consumer<String> progress;
    private long read;

    WatchedStream(InputStream in, long size, Consumer<String> progress) {
        super(in);
        this.size = size;
        this.progress = progress;
    }

    @Override
    public int read(byte[] buffer, int from, int length) throws IOException {
        int bytes = super.read(buffer, from, length);
        if (bytes > 0 && (read + bytes) / STEP > read / STEP) {
            progress.accept("read " + Bytes.format(read + bytes) + " of " + Bytes.format(size));
        }
        read += Math.max(bytes, 0);
        return bytes;
    }
}

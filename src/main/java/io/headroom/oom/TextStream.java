package io.headroom.oom;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** A long text as a stream of UTF-8, without a second copy of it. */
final class TextStream extends InputStream {
    /** What one character may take. */
    private static final int WIDEST = 4;

    private final CharBuffer text;
    private final CharsetEncoder encoder = StandardCharsets.UTF_8
            .newEncoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final ByteBuffer small = ByteBuffer.allocate(64).limit(0);

    TextStream(String text) {
        this.text = CharBuffer.wrap(text);
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        if (!small.hasRemaining() && length >= WIDEST) {
            ByteBuffer target = ByteBuffer.wrap(into, offset, length);
            encoder.encode(text, target, true);
            int count = target.position() - offset;
            return count == 0 && !text.hasRemaining() ? -1 : count;
        }
        if (!small.hasRemaining()) {
            small.clear();
            encoder.encode(text, small, true);
            small.flip();
        }
        int count = Math.min(length, small.remaining());
        small.get(into, offset, count);
        return count == 0 ? -1 : count;
    }
}

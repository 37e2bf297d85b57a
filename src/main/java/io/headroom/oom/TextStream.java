package io.headroom.oom;

import java.io.InputStream;

/** A long text as a stream of bytes, without a second copy of it; what is no ASCII becomes a blank. */
final class TextStream extends InputStream {
    private final String text;
    private int at;

    TextStream(String text) {
        this.text = text;
    }

    @Override
    public int read() {
        return at < text.length() ? ascii(text.charAt(at++)) : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (at >= text.length()) {
            return length == 0 ? 0 : -1;
        }
        int count = Math.min(length, text.length() - at);
        for (int i = 0; i < count; i++) {
            into[offset + i] = (byte) ascii(text.charAt(at++));
        }
        return count;
    }

    private static int ascii(char c) {
        return c < 128 ? c : ' ';
    }
}

package io.headroom.oom;

/** Where lines begin and end, looked for no further than a few hundred characters: a log may be one line of a gigabyte. */
final class Lines {
    private Lines() {}

    /** Where the line of {@code at} begins, or {@code at - reach} if that is further away. */
    static int start(CharSequence text, int at, int reach) {
        int least = Math.max(0, at - reach);
        int start = at;
        while (start > least && text.charAt(start - 1) != '\n') {
            start--;
        }
        return start;
    }

    /** Where the line of {@code at} ends, or {@code at + reach} if that is further away. */
    static int end(CharSequence text, int at, int reach) {
        int most = Math.min(text.length(), at + reach);
        int end = at;
        while (end < most && text.charAt(end) != '\n') {
            end++;
        }
        return end;
    }
}

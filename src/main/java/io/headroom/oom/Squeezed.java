package io.headroom.oom;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A text as the readers match it: lower case, without blanks, line breaks, line prefixes, colours, quotes and all else
 * that terminals, loggers and mail clients add, with the way back to the original.
 *
 * <p>No template contains two words whose letters could run together wrongly, so that dropping every blank makes a
 * message broken in the middle of a word the same as an unbroken one.
 */
final class Squeezed {
    private static final char ESCAPE = 0x1b;
    private static final boolean[] KEPT = new boolean[127];

    static {
        for (int c = ' ' + 1; c < KEPT.length; c++) {
            KEPT[c] = "*`'\"#>|\\".indexOf(c) < 0;
        }
    }

    final String original;
    final String text;
    private final int[] at;
    private final boolean bytes;

    private Squeezed(String original, String text, int[] at, boolean bytes) {
        this.bytes = bytes;
        this.original = original;
        this.text = text;
        this.at = at;
    }

    static Squeezed of(String original) {
        int length = original.length();
        char[] kept = new char[length];
        int[] at = new int[length + 1];
        int count = 0;
        int lineStart = 0;
        int previousStart = -1;
        int prefix = 0;
        while (lineStart < length) {
            int lineEnd = original.indexOf('\n', lineStart);
            lineEnd = lineEnd < 0 ? length : lineEnd;
            int i = lineStart;
            if (previousStart >= 0) {
                int cut = LinePrefix.repeated(original, previousStart, lineStart, lineEnd);
                prefix = prefix > 0 ? Math.min(prefix, cut) : cut;
                i += prefix;
            }
            while (i < lineEnd) {
                char c = original.charAt(i);
                if (c == '&' || c == '<') {
                    int next = Markup.end(original, i, lineEnd);
                    if (next > i) {
                        i = next;
                        continue;
                    }
                }
                if (c == ESCAPE || c == '\\' || c == '^') {
                    int next = escapeEnd(original, i, lineEnd);
                    if (next > i) {
                        i = next;
                        continue;
                    }
                }
                if (isKept(c)) {
                    kept[count] = lower(c);
                    at[count++] = i;
                }
                i++;
            }
            previousStart = lineStart;
            lineStart = lineEnd + 1;
        }
        at[count] = length;
        return new Squeezed(original, new String(kept, 0, count), Arrays.copyOf(at, count + 1), false);
    }

    /** The same of bytes, each read as one character. */
    static Squeezed ofBytes(byte[] bytes, int from, int to) {
        Squeezed squeezed = of(new String(bytes, from, to - from, StandardCharsets.ISO_8859_1));
        return new Squeezed(squeezed.original, squeezed.text, squeezed.at, true);
    }

    /** A part of the original as a person reads it. */
    String decoded(int from, int to) {
        String part = original.substring(from, to);
        return bytes ? new String(part.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8) : part;
    }

    /** Where in the original the squeezed character at {@code index} stands. */
    int at(int index) {
        return at[index];
    }

    /** What stands before a squeezed position on its line in the original. */
    String lineBefore(int index) {
        int end = at[index];
        return original.substring(Lines.start(original, end, 400), end);
    }

    /** Whether the original has neither letter nor digit right before the squeezed position. */
    boolean startsWord(int index) {
        return at[index] == 0 || !Character.isLetterOrDigit(original.charAt(at[index] - 1));
    }

    /** Whether a byte or character takes part in matching. */
    static boolean isKept(int c) {
        return c < KEPT.length && KEPT[c];
    }

    static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
    }

    /** The end of a colour code, or of a line break or tab written as two characters; {@code from} if there is none. */
    private static int escapeEnd(String text, int from, int end) {
        char c = text.charAt(from);
        int i = from + 1;
        if (c == '\\') {
            if (text.startsWith("x1b[", i) || text.startsWith("x1B[", i)) {
                return codeEnd(text, i + 4, end, from);
            }
            if (text.startsWith("u001b[", i) || text.startsWith("u001B[", i)) {
                return codeEnd(text, i + 6, end, from);
            }
            if (text.startsWith("033[", i)) {
                return codeEnd(text, i + 4, end, from);
            }
            char next = i < end ? text.charAt(i) : ' ';
            return next == 'n' || next == 't' || next == 'r' ? i + 1 : from;
        }
        if (c == '^') {
            return text.startsWith("[[", i) ? codeEnd(text, i + 2, end, from) : from;
        }
        if (i < end && text.charAt(i) == '[') {
            return codeEnd(text, i + 1, end, from);
        }
        if (i < end && text.charAt(i) == ']') {
            while (i < end && text.charAt(i) != 7 && text.charAt(i) != ESCAPE && i - from < 300) {
                i++;
            }
            return Math.min(end, i + 1);
        }
        return from + 1;
    }

    private static int codeEnd(String text, int from, int end, int otherwise) {
        int i = from;
        while (i < end && i - from < 20) {
            char c = text.charAt(i++);
            if (c >= '@' && c <= '~') {
                return i;
            }
            if (!(c >= '0' && c <= '?')) {
                return otherwise;
            }
        }
        return otherwise;
    }
}

package io.headroom.oom;

/** Finds what a logger repeats in front of every line: "[rank0]: ", "via-server-1  | ", "2024-08-21 22:56:04 ERROR ". */
final class LinePrefix {
    private static final int LONGEST = 160;
    private static final char ESCAPE = 0x1b;

    private LinePrefix() {}

    /**
     * How many characters at the start of the line are the prefix of the line before it, digits counting as equal; 0 if
     * the two share no prefix that ends like one.
     */
    static int repeated(String text, int previous, int line, int lineEnd) {
        int cut = 0;
        boolean time = false;
        boolean digits = false;
        char last = 0;
        char beforeLast = 0;
        int end = Math.min(lineEnd, line + LONGEST);
        int i = colourEnd(text, line, end);
        int other = colourEnd(text, previous, line);
        while (i < end) {
            char c = text.charAt(i);
            char p = text.charAt(other);
            if (p == '\n' || !same(c, p)) {
                break;
            }
            digits |= isDigit(c);
            time |= c == ':' && isDigit(last);
            if (last != 0 && (c == ' ' || c == '\t')) {
                boolean colon = last == ':' && beforeLast != 0 && beforeLast != ' ';
                if (colon || last == ']' || last == '|' || (time && digits && last != ' ')) {
                    cut = i + 1 - line;
                }
            }
            beforeLast = last;
            last = c;
            i = colourEnd(text, i + 1, end);
            other = colourEnd(text, other + 1, line);
        }
        return cut;
    }

    /** Behind the colour codes that stand here. */
    private static int colourEnd(String text, int from, int end) {
        int i = from;
        while (i < end && text.charAt(i) == ESCAPE) {
            i++;
            while (i < end && text.charAt(i) != 'm' && text.charAt(i) != '\n') {
                i++;
            }
            i = Math.min(end, i + 1);
        }
        return i;
    }

    private static boolean same(char a, char b) {
        return a == b || (isDigit(a) && isDigit(b));
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}

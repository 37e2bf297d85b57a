package io.headroom.oom;

/** Finds what a logger repeats in front of every line: "[rank0]: ", "via-server-1  | ", "2024-08-21 22:56:04 ERROR ". */
final class LinePrefix {
    private static final int LONGEST = 160;

    private LinePrefix() {}

    /**
     * How many characters at the start of the line are the prefix of the line before it, digits counting as equal; 0 if
     * the two share no prefix that ends like one.
     */
    static int repeated(String text, int previous, int line, int lineEnd) {
        int cut = 0;
        boolean time = false;
        boolean digits = false;
        int length = Math.min(lineEnd - line, LONGEST);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(line + i);
            char p = text.charAt(previous + i);
            if (p == '\n' || !same(c, p)) {
                break;
            }
            digits |= c >= '0' && c <= '9';
            time |= c == ':' && i > 0 && isDigit(text.charAt(line + i - 1));
            boolean blank = c == ' ' || c == '\t';
            if (blank && i > 0) {
                char before = text.charAt(line + i - 1);
                boolean colon = before == ':' && i > 1 && text.charAt(line + i - 2) != ' ';
                if (colon || before == ']' || before == '|' || (time && digits && before != ' ')) {
                    cut = i + 1;
                }
            }
        }
        return cut;
    }

    private static boolean same(char a, char b) {
        return a == b || (isDigit(a) && isDigit(b));
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}

package io.headroom.training;

import java.util.regex.Pattern;

/**
 * The Java of a cell, read as text.
 *
 * <pre>{@code
 * CellSource.code("step(); // fit(x)");     // "step();  "
 * }</pre>
 *
 * <p>Any text is read, half a cell too. Any thread.
 */
public final class CellSource {
    /** Possessive, or a long string would need as deep a stack. */
    private static final Pattern TEXT = Pattern.compile(
            "\"\"\".*?\"\"\"|//[^\\n]*|/\\*.*?\\*/|\"(?:[^\"\\\\\\n]|\\\\.)*+\"|'(?:[^'\\\\\\n]|\\\\[^\\n][^'\\n]{0,5})'",
            Pattern.DOTALL);

    private CellSource() {}

    /** What the cell runs: a blank for each comment, string, text block and character. */
    public static String code(String cell) {
        return TEXT.matcher(cell).replaceAll(" ");
    }
}

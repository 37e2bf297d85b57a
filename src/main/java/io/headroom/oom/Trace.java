package io.headroom.oom;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Java's stack traces in a text: where one begins, where its frames end. */
final class Trace {
    private static final Pattern FRAME = Pattern.compile("(?:^|\\s)at\\s+[\\w$./<>@-]{3,300}\\(");
    private static final Pattern MORE = Pattern.compile("\\.\\.\\. \\d+ (?:more|common frames)");
    private static final Pattern LINK = Pattern.compile("\\b(?:Caused by|Suppressed):");
    private static final Pattern HEADER = Pattern.compile(
            "(?:^|[\\s\\]|])(?:(?!nccl)[\\w$.]*(?:Exception|Error|Throwable)(?::|\\s*$)|Exception in thread)");
    /** It begins with the letters, so that only where they stand is looked back to the line's beginning. */
    private static final Pattern FRAME_TO_END =
            Pattern.compile("(?m)at(?=\\s)(?<=^.{0,80}\\bat)\\s+[\\w$./<>@-]{3,300}\\(.*$");

    private static final Pattern CONTROL =
            Pattern.compile("\\x1b(?:\\[[0-9;?]{0,20}[@-~]|].{0,300}?(?:\\x07|\\x1b))|[\\p{Cntrl}&&[^\\n\\t]]");
    private static final int DELETE = 0x7f;
    private static final int MOST_LINES = 400;
    /** How far back a cause's own line is read. */
    static final int REACH = 200;

    private static final int LONGEST_LINE = 2000;
    private static final int LONGEST_MESSAGE = 60;

    private Trace() {}

    /**
     * Where the trace begins to which the cause at {@code at} belongs: over frames and further causes up to the line
     * that names the outermost exception; {@code at}'s own line if that is no cause.
     */
    static int top(CharSequence text, int at) {
        int line = Lines.start(text, at, REACH);
        if (isCut(text, line) || !LINK.matcher(text.subSequence(line, at)).find()) {
            return line;
        }
        boolean message = false;
        int length = 0;
        int top = line;
        for (int count = 0; line > 0 && count < MOST_LINES; count++) {
            int start = Lines.start(text, line - 1, LONGEST_LINE);
            if (isCut(text, start)) {
                return top;
            }
            CharSequence before = text.subSequence(start, Math.min(line, start + 600));
            boolean frame = FRAME.matcher(before).find() || MORE.matcher(before).find();
            if (frame && message) {
                return top;
            }
            if (LINK.matcher(before).find()) {
                message = false;
            } else if (!frame) {
                message = true;
                if (HEADER.matcher(before).find() || ++length > LONGEST_MESSAGE) {
                    return start;
                }
            }
            top = start;
            line = start;
        }
        return top;
    }

    private static boolean isCut(CharSequence text, int start) {
        return start > 0 && text.charAt(start - 1) != '\n';
    }

    /** Where the next line begins that names another exception; {@code to} if none does. */
    static int nextHeader(String text, int from, int to) {
        for (int line = Lines.end(text, from, to - from) + 1; line < to; line = Lines.end(text, line, to - line) + 1) {
            String here = text.substring(line, Lines.end(text, line, 300));
            if (HEADER.matcher(here).find() && !LINK.matcher(here).find()) {
                return line;
            }
        }
        return to;
    }

    /** Where the last line of frames between two places ends; {@code from} if there is none. */
    static int lastFrameEnd(String text, int from, int to) {
        Matcher frames = FRAME_TO_END.matcher(text).region(Math.min(from, to), to);
        int end = from;
        while (frames.find()) {
            end = frames.end();
        }
        return end;
    }

    /** The text without colour codes and other control characters. */
    static String readable(String text) {
        return (hasControl(text) ? CONTROL.matcher(text).replaceAll("") : text).strip();
    }

    private static boolean hasControl(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' && c != '\n' && c != '\t' || c == DELETE) {
                return true;
            }
        }
        return false;
    }
}

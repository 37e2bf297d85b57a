package io.headroom.oom;

import java.util.regex.Pattern;

/** Tells talk about an error, and code that handles one, from the error itself. */
final class Prose {
    private static final Pattern MENTION = Pattern.compile(
            "\\b(if|when|avoid\\w*|prevent\\w*|encounter\\w*|fix\\w*|handl\\w+|caus\\w+|risk|without|may|might|could|would|hit|solv\\w+|catch\\w*|except|about|"
                    + "due to|because of|what does|what is)\\b[^.:;!?]*$",
            Pattern.CASE_INSENSITIVE);
    /** What happened, and not what may. */
    private static final Pattern TOLD = Pattern.compile(
            "\\b(skipped|stopped|failed|aborted|crashed|killed|terminated|exited|died|could not)\\b.*\\b(due to|because of)\\b[^.:;!?]*$",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern CODE = Pattern.compile(
            "\\b(?:catch\\s*\\(.*|throws?\\s+(?:new\\s+)?[\\w.:]*|raise\\s+[\\w.]*|except\\s*\\(?[\\w., ]*|import\\s+[\\w.]*|instanceof\\s+[\\w.]*|case\\s+[\\w.:]*|noexcept\\b.*)$|-XX:\\S*$");
    private static final Pattern ASSIGNED = Pattern.compile("\\s*=\\s*-?\\d+\\s*,?\\s*(?://.*|/\\*.*)?");
    private static final Pattern END =
            Pattern.compile("^(?:\\s*$|\\s*[\"'`.,;)\\]}>|!]|\\s*\\\\[nrt]|\\s+at\\s).*", Pattern.DOTALL);

    private Prose() {}

    /** Whether the sentence speaks of the error as of something that may happen: "how to avoid …", "errors". */
    static boolean isMention(Region region) {
        String before = region.source.lineBefore(region.start);
        return region.continuesWith("errors")
                || (MENTION.matcher(before).find() && !TOLD.matcher(before).find());
    }

    /** Whether a program's text stands here: {@code catch (OutOfMemoryError e)}. */
    static boolean isCode(Region region) {
        return CODE.matcher(region.source.lineBefore(region.start)).find()
                || region.next() == '&'
                || ASSIGNED.matcher(region.restOfLine()).matches();
    }

    /** Whether the words end a message: the line ends behind them, or a sign that ends a clause follows. */
    static boolean endsHere(Region region) {
        return END.matcher(region.restOfLine()).matches();
    }
}

package io.headroom.oom;

import java.util.regex.Pattern;

/** Tells talk about an error, and code that handles one, from the error itself. */
final class Prose {
    private static final Pattern MENTION = Pattern.compile(
            "\\b(if|when|avoid\\w*|prevent\\w*|encounter\\w*|fix\\w*|handl\\w+|caus\\w+|risk|without|may|might|could|would|solv\\w+|catch\\w*|except|about|"
                    + "due to|because of|what does|what is)\\b[^.:;!?]*$",
            Pattern.CASE_INSENSITIVE);
    /** What happened, and not what may. */
    private static final Pattern TOLD = Pattern.compile(
            "\\b(skipped|stopped|failed|aborted|crashed|killed|terminat(?:ed|ing)|exit(?:ed|ing)|died|could not)\\b.*(?:\\b(?:due to|because of|caused by)\\b[^.:;!?]*|,\\s*)$"
                    + "|\\bterminating due to\\s*$|^\\W*caused by\\s*$",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern CODE = Pattern.compile(
            "\\b(?:catch\\s*\\(.*|throws?\\s+(?:new\\s+)?[\\w.:]*|raise\\s+[\\w.]*|except\\s*\\(?[\\w., ]*|import\\s+[\\w.]*|(?:instanceof|extends)\\s+[\\w.]*|case\\s+[\\w.:]*|noexcept\\b.*)$|[=(]\\s*new\\s+[\\w.]*$|@(?:see|link|code)\\s+[\\w.]*$|-XX:\\S*$|[=!]=\\s*[\\w:.]*$|^\\W*define\\s+\\w*$|_SUCCESS\\s*,.*$");
    private static final Pattern ASSIGNED = Pattern.compile("\\s*=\\s*-?\\d+\\s*(?:,.*|//.*|/\\*.*)?");
    private static final Pattern END =
            Pattern.compile("^(?:\\s*$|\\s*[\"'`.,;)\\]}>|!]|\\s*->|\\s*\\\\[nrt]|\\s+at\\s).*", Pattern.DOTALL);

    /** What a term means, or a title of what was done about it. */
    private static final Pattern DEFINED = Pattern.compile(
            "^(?:\\W{0,3}|\\s*\\([^()]{1,40}\\))\\s+(?:means|extends|(?:can|may|might) be|is (?:thrown|raised|returned|an?|\\d+$))\\b.*",
            Pattern.DOTALL);

    private static final Pattern TITLE = Pattern.compile(
            "^\\s*(?:[-*]\\s*\\[[ x]?]\\s.*|(?:re)?solved:\\s*|fixed:\\s*|closes:\\s*|#{2,6}\\s+|(?:feat|fix|docs|chore|refactor)(?:\\([\\w-]{1,40}\\))?!?:\\s.*)$",
            Pattern.CASE_INSENSITIVE);
    /** A question or advice, in words that no report of a failure has before it. */
    private static final Pattern ADVICE = Pattern.compile(
            "(?:(?<![\\w-])(?:if|may(?!\\s+\\d)|might|how to|what is|what does|such as|subclass(?:es)? of|(?:avoid|prevent|fix|solv)ing|to (?:avoid|prevent|fix|solve))"
                    + "|^\\W*(?:avoid|prevent|fix|solve))\\s[^.:;!?]*$",
            Pattern.CASE_INSENSITIVE);
    /** The program, call or package that a message begins with: {@code -bash: fork:}. */
    private static final Pattern CALLER = Pattern.compile("(?:(?<!\\S)[^\\s:]{1,100}:\\s{0,9}){0,9}[\\w.]{0,99}$");

    private static final Pattern REMARK = Pattern.compile("^\\s*(?:#|//)\\s*\\[?$|[)\\]};:]\\s+(?:#|//)\\s.*$");
    /** An argument of a call that makes no exception: what prints an exception writes {@code RuntimeError('…')}. */
    private static final Pattern ARGUMENT =
            Pattern.compile("[\\w\\])](?<!Error|Exception|Err|Some|Failure)\\(\\s*[frb]?[\"']$");

    private static final Pattern THROWN = Pattern.compile("\\b(?:raise|throw|new)\\s+[\\w.:]+\\(\\s*[frb]?[\"']$");
    private static final Pattern VARIABLE = Pattern.compile("\\w\\s*=\\s*[\"']$");
    private static final Pattern EXPECTED = Pattern.compile("(?:\\bmatch\\s*=|[=!]=)\\s*[frb]{0,2}[\"']$");

    private Prose() {}

    /** Whether the sentence speaks of the error as of something that may happen: "how to avoid …", "errors". */
    static boolean isMention(Region region) {
        String before = region.source.lineBefore(region.start);
        return region.continuesWith("errors")
                || DEFINED.matcher(region.behind()).matches()
                || TITLE.matcher(before).matches()
                || (MENTION.matcher(before).find() && !TOLD.matcher(before).find());
    }

    /** Whether a title, a question or advice names the error: "how to fix -bash: fork: Cannot allocate memory". */
    static boolean isAdvice(Region region) {
        String before = region.source.lineBefore(region.start);
        String said = CALLER.matcher(before).replaceFirst("");
        return DEFINED.matcher(region.behind()).matches()
                || TITLE.matcher(said).matches()
                || ADVICE.matcher(said).find();
    }

    /** Whether the words are a remark in a program's text. */
    static boolean isRemark(Region region) {
        return REMARK.matcher(region.source.lineBefore(region.start)).find();
    }

    /** Whether a program's text stands here: {@code catch (OutOfMemoryError e)}. */
    static boolean isCode(Region region) {
        return CODE.matcher(region.source.lineBefore(region.start)).find()
                || region.next() == '&'
                || ASSIGNED.matcher(region.behind()).matches();
    }

    /** Whether the words are a text within a program's line: {@code raise RuntimeError("CUDA out of memory")}. */
    static boolean isLiteral(Region region) {
        String before = region.source.lineBefore(region.start);
        if (!before.endsWith("\"") && !before.endsWith("'")) {
            return false; // as all below would say, at length
        }
        return ARGUMENT.matcher(before).find()
                || THROWN.matcher(before).find()
                || EXPECTED.matcher(before).find()
                || (VARIABLE.matcher(before).find() && region.behind().matches("[\"'];.*"))
                || before.matches(".*\\breturn\\s*[\"']");
    }

    /** Whether the words end a message: the line ends behind them, or a sign that ends a clause follows. */
    static boolean endsHere(Region region) {
        return END.matcher(region.restOfLine()).matches();
    }
}

package io.headroom.oom;

import java.util.regex.Pattern;

/** A job's state in the tables of Slurm: {@code sacct}'s columns, {@code --parsable} fields and its mails. */
final class SlurmTable {
    private static final Pattern CUT = Pattern.compile("\\+(?:\\s.*)?", Pattern.DOTALL);
    private static final Pattern CUT_ALONE = Pattern.compile("\\+\\s*(?:\\d+:\\d+\\s*)?", Pattern.DOTALL);
    private static final Pattern WHOLE = Pattern.compile("MORY\\s*(?:\\||\\s\\d+:\\d+\\b).*", Pattern.DOTALL);
    private static final Pattern LAST = Pattern.compile("MORY(?:\\s*|, ExitCode.*)", Pattern.DOTALL);
    /** A job's number, with its array's and step's: {@code 1234567}, {@code 88_3.batch}, {@code 1234567.bat+}. */
    private static final Pattern JOB =
            Pattern.compile("\\s*\\d{3,12}(?:_\\[?[\\d,-]+]?)?(?:\\.\\w+\\+?)?(?:[\\s|].*)?[\\s|]");

    private static final Pattern MAIL = Pattern.compile(".*\\bSlurm Job_id=\\d+ .*, ");

    private SlurmTable() {}

    static Finding read(Region region) {
        String before = region.source.lineBefore(region.start);
        String rest = region.restOfLine();
        boolean capitals = region.source.original.startsWith("OUT_OF_ME", region.source.at(region.start));
        boolean column = (before.isEmpty() || Character.isWhitespace(before.charAt(before.length() - 1)))
                && (JOB.matcher(before).matches() ? CUT : CUT_ALONE)
                        .matcher(rest)
                        .matches();
        boolean field = JOB.matcher(before).matches()
                && (WHOLE.matcher(rest).matches() || LAST.matcher(rest).matches());
        boolean mail = MAIL.matcher(before).matches() && LAST.matcher(rest).matches();
        return capitals && (column || field || mail) ? region.as(Backend.OOM_KILLER, Wording.JOB_LIMIT) : null;
    }
}

package io.headroom.oom;

import java.util.Arrays;
import java.util.List;

/**
 * Knows where the same words stand again between the same neighbours, so that a line of a gigabyte that says one thing
 * over and over is read as fast as it is compared with itself.
 *
 * <p>What a reader makes of a beginning depends on the text around it, on where the message before it ends, and on what
 * was found so far. Where all three are as they were at an earlier beginning, and that one changed nothing, this one
 * changes nothing either. A text of period p is compared once for each p, not once for each beginning.
 */
final class Repeats {
    /** How many beginnings one period may hold. */
    private static final int MOST = 16;
    /** What readers look at before a beginning and behind the next one, in squeezed letters. */
    private static final int BEFORE = 700;

    private static final int BEHIND = 1500;
    /** And further in the original: the rest of a line. */
    private static final int LINE = 450;

    /** The end of what was no message. */
    static final int NOTHING = -1;

    /** The version of what was read only to know where it ends. */
    static final int UNHEEDED = -2;

    private final Squeezed text;
    private final List<int[]> hits;
    private final int[] previous;
    private final int[] ends;
    private final int[] versions;
    private final Run squeezed;
    private final Run original;
    private int period = 1;

    Repeats(Squeezed text, List<int[]> hits) {
        this.text = text;
        this.hits = hits;
        previous = new int[hits.size()];
        ends = new int[hits.size()];
        versions = new int[hits.size()];
        Arrays.fill(versions, -1);
        squeezed = new Run(text.text);
        original = new Run(text.original);
    }

    /** Notes a beginning that changed nothing: where the message before it ended, and where it ends itself. */
    void read(int index, int previousEnd, int end, int version) {
        previous[index] = previousEnd;
        ends[index] = end;
        versions[index] = version;
    }

    /** Whether a beginning changes nothing, being a repetition; it is noted then. */
    boolean is(int index, int limit, int consumed, int version) {
        int from = hits.get(index)[0] - BEFORE;
        int to = limit + BEHIND;
        if (from < 0 || to >= text.text.length()) {
            return false;
        }
        int firstChar = text.at(from) - LINE;
        int endChar = text.at(to) + LINE;
        if (firstChar < 0 || endChar > text.original.length()) {
            return false;
        }
        for (int attempt = 0; attempt <= MOST; attempt++) {
            int back = attempt == 0 ? period : attempt;
            int earlier = index - back;
            if (earlier >= 0
                    && versions[earlier] == version
                    && isSame(index, earlier, consumed)
                    && squeezed.repeats(shift(index, earlier), from, to)
                    && original.repeats(
                            text.at(hits.get(index)[0]) - text.at(hits.get(earlier)[0]), firstChar, endChar)) {
                period = back;
                int end = ends[earlier] == NOTHING ? NOTHING : ends[earlier] + shift(index, earlier);
                read(index, consumed, end, version);
                return true;
            }
        }
        return false;
    }

    /** Where a repetition ends; where the message before it did, if nothing was read there. */
    int end(int index, int consumed) {
        return ends[index] == NOTHING ? consumed : ends[index];
    }

    private int shift(int index, int earlier) {
        return hits.get(index)[0] - hits.get(earlier)[0];
    }

    private boolean isSame(int index, int earlier, int consumed) {
        int[] one = hits.get(index);
        int[] other = hits.get(earlier);
        int gap = one[0] - consumed;
        int otherGap = other[0] - previous[earlier];
        return one[2] == other[2]
                && one[1] - one[0] == other[1] - other[0]
                && (gap == otherGap || Math.min(gap, otherGap) > BEFORE);
    }

    /** A stretch of a text that equals what stands {@code shift} characters before it. */
    private static final class Run {
        private final String text;
        private int shift;
        private int from;
        private int to;

        Run(String text) {
            this.text = text;
        }

        boolean repeats(int by, int first, int end) {
            if (first < by) {
                return false;
            }
            if (by != shift || first < from || first > to) {
                shift = by;
                from = first;
                to = first;
            }
            while (to < end && text.charAt(to) == text.charAt(to - by)) {
                to++;
            }
            return to >= end;
        }
    }
}

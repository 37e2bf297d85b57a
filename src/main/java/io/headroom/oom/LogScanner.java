package io.headroom.oom;

import java.io.IOException;
import java.io.InputStream;

/**
 * Walks through a stream of any size: the automaton looks for beginnings of messages, and only around one is text made
 * and read.
 */
final class LogScanner {
    private static final int BUFFER = 1 << 21;
    /** Room before a message for its traceback and line prefix, and behind it for the message itself. */
    private static final int BEFORE = 1 << 13;

    private static final int AFTER = 1 << 15;
    /** Where one hit follows another, a window this long, so that its margins are read twice less often. */
    private static final int DENSE = 1 << 18;

    private final InputStream in;
    private final byte[] buffer = new byte[BUFFER];
    private final Findings findings = new Findings();

    LogScanner(InputStream in) {
        this.in = in;
    }

    Log scan() throws IOException {
        long total = 0;
        int filled = 0;
        int scanned = 0;
        int handled = 0;
        int state = 0;
        boolean ended = false;
        long base = 0;
        while (true) {
            while (!ended && filled < BUFFER) {
                int count = in.read(buffer, filled, BUFFER - filled);
                ended = count < 0;
                filled += Math.max(0, count);
                total += Math.max(0, count);
            }
            int to = ended ? filled : filled - AFTER;
            while (scanned < to) {
                long stop = Findings.ANCHORS.search(buffer, scanned, to, state);
                scanned = (int) (stop >>> 32);
                state = (int) (stop & 0x7fffffff);
                if ((stop & Anchors.FOUND) != 0 && scanned > handled) {
                    handled = handle(scanned, handled, filled, base);
                }
            }
            if (ended) {
                return findings.log(total);
            }
            int keep = Math.max(0, scanned - BEFORE);
            System.arraycopy(buffer, keep, buffer, 0, filled - keep);
            filled -= keep;
            base += keep;
            scanned -= keep;
            handled = Math.max(0, handled - keep);
        }
    }

    /** Reads the surroundings of a hit that ends at {@code hit}; returns up to where beginnings are dealt with. */
    private int handle(int hit, int handled, int filled, long base) {
        int from = Math.max(0, hit - BEFORE);
        boolean dense = hit - handled < AFTER;
        int to = Math.min(filled, hit + (dense ? DENSE : AFTER));
        int until = Math.max(Math.min(filled, hit + AFTER / 2), to - AFTER / 2);
        findings.add(Squeezed.ofBytes(buffer, from, to), Math.max(0, handled - from), until - from, base + from);
        return until;
    }
}

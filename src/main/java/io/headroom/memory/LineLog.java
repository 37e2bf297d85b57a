package io.headroom.memory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The last thousand lines of a monitor; any thread may add one. */
final class LineLog {
    static final String FAILED = "A reading failed: ";
    private static final int KEPT = 1_000;

    private final Deque<String> lines = new ArrayDeque<>();

    synchronized void add(String line) {
        if (line.startsWith(FAILED) && line.equals(lines.peekLast())) {
            return; // what fails each time is told once
        }
        lines.addLast(line);
        if (lines.size() > KEPT) {
            lines.removeFirst();
        }
    }

    /** Oldest first. */
    synchronized List<String> all() {
        return new ArrayList<>(lines);
    }
}

package io.headroom.memory;

import java.io.IOError;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/** The last thousand lines of a monitor, printed or not; any thread may add one. A printer that fails ends nothing. */
final class LineLog {
    static final String FAILED = "A reading failed: ";
    private static final int KEPT = 1_000;

    private final Deque<String> lines = new ArrayDeque<>();
    private volatile Consumer<String> printer = line -> {};
    private boolean broken;

    void printTo(Consumer<String> out) {
        printer = out;
    }

    synchronized void add(String line) {
        if (line.startsWith(FAILED) && line.equals(lines.peekLast())) {
            return; // what fails each time is told once
        }
        lines.addLast(line);
        if (lines.size() > KEPT) {
            lines.removeFirst();
        }
    }

    void tell(String line) {
        add(line);
        print(line);
    }

    void print(String line) {
        try {
            printer.accept(line);
            told(false);
        } catch (RuntimeException | LinkageError | AssertionError | IOError | VirtualMachineError e) {
            if (told(true)) {
                String why = "The monitor's lines cannot be printed; lines() has them: " + e;
                add(why);
                System.err.println(why);
            }
        }
    }

    /** Notes whether printing fails now; gives whether that is new. */
    private synchronized boolean told(boolean fails) {
        boolean news = fails != broken;
        broken = fails;
        return news;
    }

    /** Oldest first. */
    synchronized List<String> all() {
        return new ArrayList<>(lines);
    }
}

package io.headroom.training;

import java.util.concurrent.CancellationException;

/** Ends what an interrupted cell began: a kernel sets the thread's flag and no more, so that work goes on until it looks. */
final class Interrupts {
    private Interrupts() {}

    /** @throws CancellationException if the thread was interrupted; the flag stays set */
    static void check(String where) {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("interrupted " + where);
        }
    }
}

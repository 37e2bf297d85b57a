package io.headroom.kernel;

import io.headroom.render.Bundle;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import jdk.jshell.EvalException;
import jdk.jshell.SnippetEvent;

/**
 * Shows what the library has to say about a cell that threw, while the cell's output is still open.
 *
 * <p>It runs on the kernel's own thread, where an {@code Error} would leave the kernel deaf: nothing escapes. A little
 * heap is held back, and let go when a cell ran out of it.
 */
final class FailureHook implements Consumer<SnippetEvent> {
    private static final int RESERVE = 4 << 20;

    private final Cells cells;
    private final Consumer<Bundle> show;
    private byte[] reserve = new byte[RESERVE];
    private int shown;
    private boolean skipNext;

    FailureHook(Cells cells, Consumer<Bundle> show) {
        this.cells = cells;
        this.show = show;
    }

    @Override
    public void accept(SnippetEvent event) {
        if (event.causeSnippet() == null && event.exception() == null) {
            passed();
        }
        if (event.causeSnippet() == null && event.exception() != null) {
            ended();
        }
        if (event.causeSnippet() != null || !(event.exception() instanceof EvalException thrown)) {
            return;
        }
        try {
            Failure failure = Failure.of(thrown);
            boolean skip = skipNext;
            skipNext = false;
            if (skip || isControl(failure) || wasShown(failure)) {
                return;
            }
            if (failure.chain().stream().anyMatch(each -> each.type().equals(OutOfMemoryError.class.getName()))) {
                reserve = null;
            }
            Optional<Bundle> card = cells.failed(new FailedCell(event.snippet().source(), failure));
            shown++;
            card.ifPresent(show);
        } catch (Throwable broken) {
            reserve = null;
            plainly(thrown, broken);
        } finally {
            refill();
        }
    }

    private void ended() {
        try {
            cells.ended();
        } catch (Throwable ignored) {
            // The card comes all the same.
        }
    }

    private void passed() {
        try {
            cells.passed();
        } catch (Throwable ignored) {
            // It readies the next card, no more.
        }
    }

    /**
     * Evaluates statements inside a statement: what fails in there is shown once, not again for the statement around it.
     *
     * <p>JJava passes JShell's own exception on as a cause, by which that is seen too; IJava drops the causes.
     */
    Object inside(Callable<Object> evaluation) throws Exception {
        int before = shown;
        try {
            return evaluation.call();
        } catch (Throwable thrown) {
            skipNext = shown > before;
            throw thrown;
        }
    }

    /** A kernel gives interrupts and time-outs as throwables whose class names have a blank in them. */
    private static boolean isControl(Failure failure) {
        return failure.type().indexOf(' ') >= 0;
    }

    /** A statement that evaluated another one fails after it, with JShell's exception among the causes. */
    private static boolean wasShown(Failure failure) {
        return failure.chain().stream().anyMatch(each -> each.type().equals(EvalException.class.getName()));
    }

    private void plainly(EvalException thrown, Throwable broken) {
        try {
            show.accept(Bundle.text(thrown.getExceptionClassName() + ": " + thrown.getMessage()
                    + "\n(no diagnosis: it failed itself with " + broken + ")"));
        } catch (Throwable ignored) {
            // The kernel prints the cell's own error after this: nothing is lost but the card.
        }
    }

    private void refill() {
        try {
            if (reserve == null) {
                reserve = new byte[RESERVE];
            }
        } catch (OutOfMemoryError full) {
            reserve = null;
        }
    }
}

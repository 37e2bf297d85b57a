package io.headroom.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import jdk.jshell.EvalException;

/**
 * What a cell threw, as far as JShell passes it on: class name, message, stack and causes, never the throwable itself.
 *
 * @param type the class name of the throwable, {@code "ai.djl.engine.EngineException"}
 * @param message its message, {@code ""} where it has none
 * @param stack its stack, innermost frame first
 * @param cause what it names as its cause; JJava passes the chain on, IJava 1.3.0 does not
 */
public record Failure(String type, String message, List<StackTraceElement> stack, Optional<Failure> cause) {
    private static final int DEEPEST = 32;

    public Failure {
        Objects.requireNonNull(type, "type");
        message = message == null || message.equals("null") ? "" : message;
        stack = List.copyOf(stack);
    }

    /** The same of a throwable at hand. */
    public static Failure of(Throwable thrown) {
        return of(thrown, 0);
    }

    private static Failure of(Throwable thrown, int depth) {
        String type = thrown instanceof EvalException eval
                ? eval.getExceptionClassName()
                : thrown.getClass().getName();
        Throwable cause = depth == DEEPEST ? null : thrown.getCause();
        return new Failure(
                type,
                thrown.getMessage(),
                List.of(thrown.getStackTrace()),
                cause == null || cause == thrown ? Optional.empty() : Optional.of(of(cause, depth + 1)));
    }

    /** This failure and its causes, outermost first. */
    public List<Failure> chain() {
        List<Failure> all = new ArrayList<>();
        for (Failure next = this; next != null; next = next.cause.orElse(null)) {
            all.add(next);
        }
        return all;
    }

    /** The text a Java stack trace shows: what a person would paste. */
    public String text() {
        StringBuilder out = new StringBuilder();
        for (Failure each : chain()) {
            out.append(out.isEmpty() ? "" : "Caused by: ").append(each.type);
            if (!each.message.isEmpty()) {
                out.append(": ").append(each.message);
            }
            out.append('\n');
            each.stack.forEach(frame -> out.append("\tat ").append(frame).append('\n'));
        }
        return out.toString();
    }
}

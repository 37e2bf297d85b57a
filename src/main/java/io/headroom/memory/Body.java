package io.headroom.memory;

/**
 * A stretch of code that returns nothing and may throw what it likes, such as {@code () -> EasyTrain.fit(trainer, 10, data,
 * null)}: what a {@link java.util.concurrent.Callable} is to code that returns a value.
 *
 * @param <E> what it throws; {@code RuntimeException} of a lambda that throws nothing checked
 */
@FunctionalInterface
public interface Body<E extends Exception> {
    /** Runs the code. */
    void run() throws E;
}

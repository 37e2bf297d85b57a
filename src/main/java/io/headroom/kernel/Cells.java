package io.headroom.kernel;

import io.headroom.render.Bundle;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/**
 * What a kernel adapter asks of the library whose cells it carries; found by {@link ServiceLoader}.
 *
 * <p>The adapters know no room but this one: renderers, magics and the failing-cell hook all end here. Every method is
 * called on a kernel's thread, and the adapter catches whatever it throws, except in {@link #watch}.
 */
public interface Cells {
    /** The import lines evaluated at kernel start, so that the cells need none; {@link Imports#standard} helps. */
    List<String> imports();

    /** The types {@link #render} knows, subtypes included. */
    List<Class<?>> rendered();

    /** How a value of one of the {@link #rendered} types looks, or empty to leave it to its {@code toString}. */
    Optional<Bundle> render(Object value);

    /** What to show under a cell that failed, or empty where there is nothing to say about it. */
    Optional<Bundle> failed(FailedCell cell);

    /** Called after each statement that passed, on the kernel's thread: it must be quick. */
    default void passed() {}

    /** Called after each statement that failed or was interrupted, on the kernel's thread, before {@link #failed}. */
    default void ended() {}

    /** Called once at kernel start on a thread of its own: readies what {@link #failed} needs while there is memory. */
    default void warm() {}

    /** {@code %memory stage}: takes a reading; the stage is {@code ""} where none was given. */
    Bundle memory(String stage);

    /**
     * {@code %%watch}: runs a cell's body and shows what it took, also when it throws.
     *
     * @return what the body returned
     * @throws Exception what the body threw, unchanged
     */
    Object watch(Callable<Object> body, Consumer<Bundle> show) throws Exception;

    /** The library on the class path, or cells that do nothing where there is none. */
    static Cells find() {
        return ServiceLoader.load(Cells.class, Cells.class.getClassLoader())
                .findFirst()
                .orElse(NoCells.INSTANCE);
    }
}

package io.headroom.kernel;

import java.util.Objects;
import java.util.Optional;

/**
 * The kernel this JVM's cells run in, if any: one kernel a JVM, as Jupyter has it.
 *
 * <p>An adapter attaches itself at start and detaches at shutdown; the cells ask for {@link #current}. Any thread.
 *
 * <pre>{@code
 * Kernels.current().ifPresent(kernel -> kernel.display(bundle));
 * }</pre>
 */
public final class Kernels {
    private static volatile NotebookKernel current;

    private Kernels() {}

    /** The attached kernel, or empty outside a notebook. */
    public static Optional<NotebookKernel> current() {
        return Optional.ofNullable(current);
    }

    /** Makes a kernel the current one, in place of any before it. */
    public static synchronized void attach(NotebookKernel kernel) {
        current = Objects.requireNonNull(kernel, "kernel");
    }

    /** Forgets a kernel; does nothing if another has been attached since. */
    public static synchronized void detach(NotebookKernel kernel) {
        if (current == kernel) {
            current = null;
        }
    }
}

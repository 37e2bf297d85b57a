package io.headroom.kernel.ijava;

import io.github.spencerpark.jupyter.kernel.BaseKernel;
import io.headroom.kernel.Cells;
import io.headroom.kernel.Kernels;
import java.lang.StackWalker.Option;
import java.util.List;

/**
 * The line for IJava's start-up script, since IJava looks for no extensions.
 *
 * <p>In the kernel's {@code kernel.json}: {@code "IJAVA_CLASSPATH": "…/headroom.jar:…/lib/*"} and
 *
 * <pre>{@code
 * "IJAVA_STARTUP_SCRIPT": "io.headroom.kernel.ijava.IJava.start();"
 * }</pre>
 */
public final class IJava {
    private static final String MAIN = "io.github.spencerpark.ijava.IJava";

    private IJava() {}

    /**
     * Installs the library in the IJava kernel of this JVM; a second call does nothing.
     *
     * <p>To be called from a snippet: its class tells the loader that holds the notebook's variables. Never throws; the
     * reason of a failure goes to the kernel's log.
     */
    public static void start() {
        ClassLoader snippets = StackWalker.getInstance(Option.RETAIN_CLASS_REFERENCE)
                .getCallerClass()
                .getClassLoader();
        try {
            if (Kernels.current().isPresent()) {
                return;
            }
            BaseKernel kernel = (BaseKernel) Class.forName(MAIN, true, ClassLoader.getSystemClassLoader())
                    .getMethod("getKernelInstance")
                    .invoke(null);
            if (kernel == null) {
                throw new IllegalStateException("no IJava kernel runs in this JVM");
            }
            install(kernel, snippets, Cells.find())
                    .forEach(line -> System.err.println("Headroom: not on the class path: " + line));
        } catch (Throwable failed) {
            System.err.println("Headroom: not installed in this kernel: " + failed);
        }
    }

    static List<String> install(BaseKernel kernel, ClassLoader snippets, Cells cells)
            throws ReflectiveOperationException {
        return IJavaKernel.of(kernel, snippets).install(cells);
    }
}

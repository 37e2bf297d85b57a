package io.headroom.kernel.jjava;

import io.headroom.kernel.Cells;
import java.util.List;
import org.dflib.jjava.jupyter.Extension;
import org.dflib.jjava.jupyter.kernel.BaseKernel;

/**
 * What JJava loads by {@link java.util.ServiceLoader} when the library is on the notebook's class path.
 *
 * <p>A kernel that cannot carry it still starts; the reason goes to the kernel's log.
 */
public final class JJavaExtension implements Extension {
    private JJavaKernel installed;

    @Override
    public void install(BaseKernel kernel) {
        try {
            JJavaKernel notebook = JJavaKernel.of(kernel);
            List<String> refused = notebook.install(Cells.find());
            refused.forEach(line -> System.err.println("Headroom: not on the class path: " + line));
            installed = notebook;
        } catch (Throwable failed) {
            System.err.println("Headroom: not installed in this kernel: " + failed);
        }
    }

    @Override
    public void uninstall(BaseKernel kernel) {
        JJavaKernel notebook = installed;
        installed = null;
        if (notebook != null) {
            notebook.uninstall();
        }
    }
}

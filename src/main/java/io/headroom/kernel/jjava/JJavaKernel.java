package io.headroom.kernel.jjava;

import io.headroom.kernel.Cells;
import io.headroom.kernel.ShellKernel;
import io.headroom.render.Bundle;
import io.headroom.widget.Comm;
import java.lang.reflect.Method;
import java.util.Optional;
import jdk.jshell.JShell;
import org.dflib.jjava.jupyter.kernel.BaseKernel;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.dflib.jjava.jupyter.kernel.magic.CellMagic;
import org.dflib.jjava.jupyter.kernel.magic.LineMagic;

/** JJava as a notebook kernel. Of its API only what 1.0-a6 and 1.0-a8 share is used: no Gson, no return types that changed. */
final class JJavaKernel extends ShellKernel {
    private final BaseKernel kernel;
    private final JJavaComms comms;

    private JJavaKernel(BaseKernel kernel, JShell shell, ClassLoader loader) {
        super(shell, loader);
        this.kernel = kernel;
        this.comms = new JJavaComms(kernel.getCommManager());
    }

    /** The running kernel's shell and class loader are not in the API that JJava publishes: asked for by name. */
    static JJavaKernel of(BaseKernel kernel) throws ReflectiveOperationException {
        JShell shell = (JShell) kernel.getClass().getMethod("getJShell").invoke(kernel);
        Method loader = BaseKernel.class.getDeclaredMethod("getClassLoader");
        loader.setAccessible(true);
        return new JJavaKernel(kernel, shell, (ClassLoader) loader.invoke(kernel));
    }

    @Override
    public String name() {
        return "JJava " + kernel.getVersion();
    }

    @Override
    protected void publish(String displayId, Bundle bundle) {
        DisplayData data = data(bundle);
        data.putTransientData("display_id", displayId);
        kernel.display(data);
    }

    @Override
    public void update(String displayId, Bundle bundle) {
        kernel.getIO().display.updateDisplay(displayId, data(bundle));
    }

    @Override
    public Optional<Comm.Opener> comms() {
        return Optional.of(comms);
    }

    @Override
    protected void register(Class<?> type, Cells cells) {
        kernel.getRenderer().createRegistration(type).register((value, context) -> {
            try {
                cells.render(value).ifPresent(bundle -> bundle.data().forEach((mime, content) -> {
                    if (context.wantsDataRenderedAs(MIMEType.parse(mime))) {
                        context.getOutputContainer().putData(mime, content);
                    }
                }));
            } catch (Throwable broken) {
                context.getOutputContainer().putText(value + "\n(not rendered: " + broken + ")");
            }
        });
    }

    @Override
    protected void registerMagics(Cells cells) {
        LineMagic<DisplayData, BaseKernel> memory = (running, args) -> data(cells.memory(String.join(" ", args)));
        CellMagic<Object, BaseKernel> watch = (running, args, body) -> watch(cells, () -> running.evalRaw(body));
        kernel.getMagicsRegistry().registerLineMagic("memory", memory).registerCellMagic("watch", watch);
    }

    private static DisplayData data(Bundle bundle) {
        DisplayData data = new DisplayData();
        bundle.data().forEach(data::putData);
        return data;
    }
}

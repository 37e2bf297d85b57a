package io.headroom.kernel.ijava;

import io.github.spencerpark.jupyter.kernel.BaseKernel;
import io.github.spencerpark.jupyter.kernel.display.DisplayData;
import io.github.spencerpark.jupyter.kernel.display.mime.MIMEType;
import io.github.spencerpark.jupyter.kernel.magic.registry.CellMagicFunction;
import io.github.spencerpark.jupyter.kernel.magic.registry.LineMagicFunction;
import io.github.spencerpark.jupyter.kernel.magic.registry.Magics;
import io.headroom.kernel.Cells;
import io.headroom.kernel.ShellKernel;
import io.headroom.render.Bundle;
import io.headroom.widget.Comm;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Optional;
import jdk.jshell.JShell;

/** IJava as a notebook kernel: its base is published, the kernel itself is not and is met by reflection. */
final class IJavaKernel extends ShellKernel {
    private final BaseKernel kernel;
    private final IJavaComms comms;

    private IJavaKernel(BaseKernel kernel, JShell shell, ClassLoader loader) {
        super(shell, loader);
        this.kernel = kernel;
        this.comms = new IJavaComms(kernel.getCommManager());
    }

    static IJavaKernel of(BaseKernel kernel, ClassLoader snippets) throws ReflectiveOperationException {
        Field evaluator = kernel.getClass().getDeclaredField("evaluator");
        evaluator.setAccessible(true);
        Object holder = evaluator.get(kernel);
        Method shell = holder.getClass().getMethod("getShell");
        shell.setAccessible(true);
        return new IJavaKernel(kernel, (JShell) shell.invoke(holder), snippets);
    }

    @Override
    public String name() {
        // "Java 17.0.15+6 :: IJava kernel 1.3.0 \nProtocol v5.3 …"
        String banner = String.valueOf(kernel.getBanner());
        int at = banner.indexOf("IJava kernel ");
        return at < 0 ? "IJava" : "IJava " + banner.substring(at + 13).strip().split("\\s+", 2)[0];
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
        // IJava drops what a magic returns: it is displayed instead.
        LineMagicFunction<Object> memory = args -> {
            display(cells.memory(String.join(" ", args)));
            return null;
        };
        CellMagicFunction<Object> watch = (args, body) -> {
            Object value = watch(cells, () -> evaluate(body));
            if (value != null) {
                kernel.display(
                        value instanceof DisplayData data
                                ? data
                                : kernel.getRenderer().render(value));
            }
            return null;
        };
        Magics magics = magics();
        magics.registerLineMagic("memory", memory);
        magics.registerCellMagic("watch", watch);
    }

    private Magics magics() {
        try {
            Method getter = kernel.getClass().getMethod("getMagics");
            getter.setAccessible(true);
            return (Magics) getter.invoke(kernel);
        } catch (ReflectiveOperationException unknown) {
            throw new IllegalStateException(
                    "an IJava without magics: " + kernel.getClass().getName(), unknown);
        }
    }

    private Object evaluate(String body) throws Exception {
        Method raw = kernel.getClass().getMethod("evalRaw", String.class);
        raw.setAccessible(true);
        try {
            return raw.invoke(kernel, body);
        } catch (InvocationTargetException thrown) {
            if (thrown.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw thrown;
        }
    }

    private static DisplayData data(Bundle bundle) {
        DisplayData data = new DisplayData();
        bundle.data().forEach(data::putData);
        return data;
    }
}

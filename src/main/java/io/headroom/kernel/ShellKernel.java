package io.headroom.kernel;

import io.headroom.render.Bundle;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import jdk.jshell.JShell;
import jdk.jshell.JShell.Subscription;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;

/**
 * What JJava and IJava have in common: a JShell, with its variables, imports and failing statements.
 *
 * <p>{@link #variables} and {@link #display} may be called from any thread; {@link #install} from the one that starts
 * the kernel.
 */
public abstract class ShellKernel implements NotebookKernel {
    private final JShell shell;
    private final ClassLoader loader;
    private FailureHook hook;
    private Subscription subscription;

    /**
     * @param shell the kernel's shell
     * @param loader the loader that defines the classes of the shell's snippets
     */
    protected ShellKernel(JShell shell, ClassLoader loader) {
        this.shell = Objects.requireNonNull(shell, "shell");
        this.loader = Objects.requireNonNull(loader, "loader");
    }

    /**
     * Adds a library to the kernel: imports, renderers, magics, the failing-cell hook; then attaches the kernel.
     *
     * @return the import lines the shell refused, as they came; the rest is in force all the same
     */
    public final List<String> install(Cells cells) {
        List<String> refused = new ArrayList<>();
        for (String line : cells.imports()) {
            List<SnippetEvent> events = shell.eval(line);
            if (events.isEmpty() || events.get(0).status() != Snippet.Status.VALID) {
                refused.add(line);
            }
        }
        cells.rendered().forEach(type -> register(type, cells));
        registerMagics(cells);
        hook = new FailureHook(cells, this::display);
        subscription = shell.onSnippetEvent(hook);
        Kernels.attach(this);
        warm(cells);
        return refused;
    }

    private static void warm(Cells cells) {
        Thread thread = new Thread(
                () -> {
                    try {
                        cells.warm();
                    } catch (Throwable cold) {
                        // The first card takes longer, that is all.
                    }
                },
                "headroom-warm");
        thread.setDaemon(true);
        thread.setPriority(Thread.MIN_PRIORITY);
        thread.start();
    }

    /** Takes the hook out again and detaches the kernel; twice does nothing. */
    public final void uninstall() {
        Kernels.detach(this);
        Subscription installed = subscription;
        subscription = null;
        if (installed != null) {
            shell.unsubscribe(installed);
        }
    }

    /** Registers a renderer for a type and its subtypes. */
    protected abstract void register(Class<?> type, Cells cells);

    /** Registers {@code %memory} and {@code %%watch}. */
    protected abstract void registerMagics(Cells cells);

    /** Runs the body of {@code %%watch}, with one card if it fails, and shows the report. */
    protected final Object watch(Cells cells, Callable<Object> body) throws Exception {
        return hook.inside(() -> cells.watch(body, this::display));
    }

    /** Puts a bundle into the running cell's output under an id. */
    protected abstract void publish(String displayId, Bundle bundle);

    @Override
    public final String display(Bundle bundle) {
        String id = UUID.randomUUID().toString();
        publish(id, bundle);
        return id;
    }

    @Override
    public final List<Variable> variables() {
        return new CellVariables(shell, loader).list();
    }
}

package io.headroom.kernel;

import io.headroom.render.Bundle;
import io.headroom.widget.Comm;
import java.util.List;
import java.util.Optional;

/**
 * What the cells need of the kernel they run in; one thin adapter implements it for JJava, one for IJava.
 *
 * <p>{@link #display} and {@link #update} only reach the notebook while a cell runs. Everything else may be called at
 * any time, from any thread.
 */
public interface NotebookKernel {
    /** The kernel's name and version, for a bug report: {@code "JJava 1.0-a8"}. */
    String name();

    /** Shows a bundle under the running cell and returns its display id. */
    String display(Bundle bundle);

    /** Replaces what a display id shows. */
    void update(String displayId, Bundle bundle);

    /** Opens comms for widgets, or empty where the kernel has no connection yet. */
    Optional<Comm.Opener> comms();

    /** The notebook's variables that hold a value now, {@code $1}, {@code $2}, … among them. */
    List<Variable> variables();

    /** One notebook variable: a static field of a JShell wrapper class. */
    record Variable(String name, String type, Object value) {}
}

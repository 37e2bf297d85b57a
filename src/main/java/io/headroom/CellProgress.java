package io.headroom;

import io.headroom.kernel.Kernels;
import io.headroom.kernel.NotebookKernel;
import io.headroom.model.Pipeline;
import io.headroom.render.Bundle;
import io.headroom.render.Html;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A line under the running cell that tells how far it is, shown once the cell has taken two seconds.
 *
 * <p>Used by the cell's own thread only: what it shows is still there when the cell has ended.
 */
final class CellProgress implements Consumer<String>, AutoCloseable {
    private static final long PATIENCE_NANOS = 2_000_000_000L;

    private final String what;
    private final long start = System.nanoTime();
    private final Optional<NotebookKernel> kernel = Kernels.current();
    private String id;

    private CellProgress(String what) {
        this.what = what;
    }

    static CellProgress start(String what) {
        return new CellProgress(what);
    }

    /** A line for each model, and a stage of the timeline. */
    static Consumer<Pipeline.Progress> ofPipeline() {
        CellProgress[] line = new CellProgress[1];
        return at -> {
            if (at.done() == 0) {
                line[0] = start("Running " + at.of() + " models");
            }
            Session.current().read(at.name().isEmpty() ? "all models done" : "before " + at.name());
            if (at.name().isEmpty()) {
                line[0].close();
            } else {
                line[0].accept(at.name() + ", " + (at.done() + 1) + " of " + at.of());
            }
        };
    }

    @Override
    public void accept(String stage) {
        if (System.nanoTime() - start >= PATIENCE_NANOS) {
            show(what + ": " + stage + " …");
        }
    }

    @Override
    public void close() {
        if (id != null) {
            show(String.format(Locale.ROOT, "%s: %.1f s", what, (System.nanoTime() - start) / 1e9));
        }
    }

    private void show(String line) {
        if (kernel.isEmpty()) {
            return;
        }
        Bundle bundle = Bundle.text(line).html("<span>" + Html.escape(line) + "</span>");
        if (id == null) {
            id = kernel.get().display(bundle);
        } else {
            kernel.get().update(id, bundle);
        }
    }
}

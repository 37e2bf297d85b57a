package io.headroom;

import io.headroom.kernel.Kernels;
import io.headroom.kernel.NotebookKernel;
import io.headroom.model.Pipeline;
import io.headroom.render.Bundle;
import io.headroom.render.Html;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A bar under the running cell that tells what it is at and for how long, once the cell has taken a second and a half.
 *
 * <p>A clock shows it, however long a stage takes, until {@link #close} or, at the latest, the end of the statement: what is
 * displayed outside a cell is lost. What it took in all stays.
 */
final class CellProgress implements Consumer<String>, AutoCloseable {
    private static final long PATIENCE_MILLIS = 1_500;
    private static final long TICK_MILLIS = 1_000;
    private static final Set<CellProgress> OPEN = ConcurrentHashMap.newKeySet();

    private final String what;
    private final long start = System.nanoTime();
    private final Optional<NotebookKernel> kernel = Kernels.current();
    private final Optional<Future<?>> ticks;
    private String stage = "";
    private String id;
    private boolean closed;

    private CellProgress(String what) {
        this.what = what;
        OPEN.add(this);
        ticks = kernel.map(shown ->
                Clock.THREAD.scheduleWithFixedDelay(this::tick, PATIENCE_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS));
    }

    /** One thread for all bars, begun while there is memory for its stack. */
    private static final class Clock {
        private static final ScheduledThreadPoolExecutor THREAD = thread();

        private static ScheduledThreadPoolExecutor thread() {
            ScheduledThreadPoolExecutor made = new ScheduledThreadPoolExecutor(1, task -> {
                Thread thread = new Thread(task, "headroom-progress");
                thread.setDaemon(true);
                return thread;
            });
            made.setRemoveOnCancelPolicy(true);
            return made;
        }
    }

    static CellProgress start(String what) {
        return new CellProgress(what);
    }

    /** Begins the clock's thread. */
    static void warm() {
        Clock.THREAD.prestartCoreThread();
    }

    /** A statement ended: no bar moves on after it. */
    static void endAll() {
        OPEN.forEach(CellProgress::end);
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
    public synchronized void accept(String next) {
        stage = ": " + next;
        if (id != null) {
            showStage();
        }
    }

    private synchronized void tick() {
        try {
            showStage();
        } catch (Throwable unseen) {
            end(); // what runs goes on without its bar
        }
    }

    private void showStage() {
        if (closed) {
            return;
        }
        String line = String.format(Locale.ROOT, "%s%s … %.0f s", what, stage, seconds());
        show(Bundle.text(line)
                .html("<div><progress aria-label=\"running\"></progress> " + Html.escape(line) + "</div>"));
    }

    private double seconds() {
        return (System.nanoTime() - start) / 1e9;
    }

    private synchronized void end() {
        closed = true;
        OPEN.remove(this);
        ticks.ifPresent(all -> all.cancel(false));
    }

    @Override
    public synchronized void close() {
        boolean shown = id != null && !closed;
        end();
        if (shown) {
            String line = String.format(Locale.ROOT, "%s: %.1f s", what, seconds());
            show(Bundle.text(line).html("<span>" + Html.escape(line) + "</span>"));
        }
    }

    private void show(Bundle bundle) {
        if (id == null) {
            id = kernel.orElseThrow().display(bundle);
        } else {
            kernel.orElseThrow().update(id, bundle);
        }
    }
}

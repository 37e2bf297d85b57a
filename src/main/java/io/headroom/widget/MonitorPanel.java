package io.headroom.widget;

import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Reading;
import io.headroom.render.Bundle;
import io.headroom.render.Html;
import io.headroom.render.MonitorView;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A memory monitor as a live view, which keeps moving after its cell has ended.
 *
 * <p>It redraws with each reading of the monitor, at most four times a second, from the monitor's own thread; the time of
 * the last reading is shown, so that a view that stands still is seen to. Its button closes the monitor. A monitor has one
 * panel: shown again it is the same view at another place. Any thread.
 *
 * <pre>{@code
 * MemoryMonitor monitor = MemoryMonitor.every(Duration.ofSeconds(1));
 * kernel.display(MonitorPanel.of(monitor).show(opener));     // starts the monitor
 * }</pre>
 */
public final class MonitorPanel {
    private static final long REDRAW_NANOS = 250_000_000L;

    /** A panel lives as long as its monitor, which it follows. */
    private static final Map<MemoryMonitor, WeakReference<MonitorPanel>> PANELS = new WeakHashMap<>();

    private final MemoryMonitor monitor;
    private final AtomicLong drawn = new AtomicLong(System.nanoTime() - REDRAW_NANOS);
    private volatile Widget output;
    private Widget box;
    private Widget stop;

    private MonitorPanel(MemoryMonitor monitor) {
        this.monitor = monitor;
        monitor.onReading(this::follow);
    }

    /** A view of a monitor, started or not. */
    public static MonitorPanel of(MemoryMonitor monitor) {
        if (monitor == null) {
            throw new IllegalArgumentException("monitor = null: give MemoryMonitor.every(Duration.ofSeconds(1)).");
        }
        synchronized (PANELS) {
            WeakReference<MonitorPanel> known = PANELS.get(monitor);
            MonitorPanel panel = known == null ? null : known.get();
            if (panel == null) {
                panel = new MonitorPanel(monitor);
                PANELS.put(monitor, new WeakReference<>(panel));
            }
            return panel;
        }
    }

    /** The monitor shown. */
    public MemoryMonitor monitor() {
        return monitor;
    }

    /** Starts the monitor unless it was closed, and opens the view, with a line to stand in where there are no widgets. */
    public synchronized Bundle show(Comm.Opener opener) {
        if (!monitor.isClosed()) {
            monitor.start();
        }
        if (box == null || !box.isOpen()) {
            Controls controls = new Controls(Widgets.of(opener));
            Widget html = controls.html(html());
            stop = controls.button("Stop", "stops taking readings");
            stop.set("disabled", monitor.isClosed());
            stop.onClick(this::stop);
            box = controls.vBox(html, controls.hBox(stop));
            output = html;
        }
        return Controls.view(box, line());
    }

    /** The last reading as static text. */
    public Bundle line() {
        long readings = monitor.timeline().added();
        String text = now().line() + " · " + readings + (readings == 1 ? " reading" : " readings")
                + (monitor.isClosed() ? ", stopped" : "");
        return Bundle.text(text).html("<div>" + Html.escape(text) + "</div>");
    }

    @Override
    public String toString() {
        return line().plain();
    }

    private synchronized void stop() {
        monitor.close();
        stop.set("disabled", true);
        output.set("value", html());
    }

    private void follow(Reading reading) {
        Widget html = output;
        long last = drawn.get();
        long now = System.nanoTime();
        boolean due = now - last >= REDRAW_NANOS;
        if (html != null && html.isOpen() && due && drawn.compareAndSet(last, now)) {
            try {
                redraw(html);
            } catch (RuntimeException unreachable) {
                // No browser can be told now: the next reading tries again, and the monitor reads on.
            }
        }
    }

    private synchronized void redraw(Widget html) {
        html.set("value", html());
    }

    private Reading now() {
        List<Reading> readings = monitor.timeline().readings();
        return readings.isEmpty() ? Reading.now() : readings.get(readings.size() - 1);
    }

    private String html() {
        return MonitorView.live(monitor);
    }
}

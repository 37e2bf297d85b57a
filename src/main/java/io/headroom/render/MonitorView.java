package io.headroom.render;

import io.headroom.memory.Alarm;
import io.headroom.memory.Leak;
import io.headroom.memory.Leaks;
import io.headroom.memory.Limit;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.time.Duration;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** A monitor: what it does, its alarm and what grows; live, also a bar against the limit and a curve. */
public final class MonitorView {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);
    private static final int POINTS = 240;
    private static final int WIDTH = 600;
    private static final int HEIGHT = 80;

    private MonitorView() {}

    /** A monitor at rest: whether it has begun, and what to call. */
    public static Bundle of(MemoryMonitor monitor) {
        String text = monitor.toString();
        StringBuilder html = new StringBuilder("<div>")
                .append(Html.escape(text.lines().findFirst().orElse("")))
                .append("</div>");
        monitor.alarm().ifPresent(alarm -> alarm(html, alarm));
        Leaks leaks = monitor.leaks();
        if (!leaks.isEmpty()) {
            html.append(table(leaks));
        }
        return Bundle.text(text).html(html.toString());
    }

    /** What grows, a row each. */
    public static Bundle of(Leaks leaks) {
        String text = leaks.toString();
        return Bundle.text(text).html(leaks.isEmpty() ? "<div>" + Html.escape(text) + "</div>" : table(leaks));
    }

    /** HTML for a widget, which may hold SVG; the work is bounded however long the monitor runs. */
    public static String live(MemoryMonitor monitor) {
        List<Reading> readings = monitor.timeline().readings();
        Reading last = readings.isEmpty() ? Reading.now() : readings.get(readings.size() - 1);
        OptionalLong peak = monitor.timeline().peak();
        StringBuilder html = new StringBuilder("<div style=\"line-height:1.45\"><div><b>")
                .append(Html.escape(last.line()))
                .append("</b></div><div>peak ")
                .append(peak.isPresent() ? Bytes.format(peak.getAsLong()) : "not known")
                .append(last.process().peak().isPresent() ? "" : " (sampled)")
                .append(" · ")
                .append(Rows.count((int) monitor.timeline().added(), "reading"))
                .append(" · ")
                .append(monitor.isClosed() ? "stopped at " : "at ")
                .append(CLOCK.format(last.at().atZone(ZoneId.systemDefault())))
                .append("</div>");
        last.limit().ifPresent(limit -> bar(html, limit));
        curve(html, readings);
        monitor.alarm().ifPresent(alarm -> alarm(html, alarm));
        for (Leak leak : monitor.leaks()) {
            html.append("<div style=\"border-left:6px solid #ff9d00;padding:2px 8px;margin:4px 0\">△ ")
                    .append(Html.escape(leak.toString()))
                    .append("</div>");
        }
        return html.append("</div>").toString();
    }

    private static void alarm(StringBuilder html, Alarm alarm) {
        html.append("<div role=\"alert\" style=\"border-left:6px solid #e5484d;padding:2px 8px;margin:4px 0\">▲ ")
                .append(Html.escape(alarm.toString()))
                .append("</div>");
    }

    private static String table(Leaks leaks) {
        StringBuilder html = new StringBuilder("<table><thead><tr><th>what grows</th><th>by</th>"
                + "<th>99 % interval</th><th>readings</th><th>what became more</th></tr></thead><tbody>");
        for (Leak leak : leaks) {
            html.append("<tr><td style=\"text-align:left\">")
                    .append(Html.escape(leak.where()))
                    .append("</td><td style=\"text-align:right;white-space:nowrap\">")
                    .append(Bytes.format(Math.round(leak.trend().slope())))
                    .append(" per ")
                    .append(leak.unit())
                    .append("</td><td style=\"white-space:nowrap\">")
                    .append(Bytes.format(Math.round(leak.trend().low())))
                    .append(" to ")
                    .append(Bytes.format(Math.round(leak.trend().high())))
                    .append("</td><td>")
                    .append(leak.trend().points())
                    .append("</td><td style=\"text-align:left\">")
                    .append(Html.escape(leak.grown()))
                    .append("</td></tr>");
        }
        return html.append("</tbody></table>").toString();
    }

    private static void bar(StringBuilder html, Limit limit) {
        if (limit.used().isEmpty() || limit.bytes() <= 0) {
            return;
        }
        double share = Math.min(100, 100.0 * limit.used().getAsLong() / limit.bytes());
        String label = String.format(Locale.ROOT, "%.0f %% of the %s used", share, limit.label());
        html.append(String.format(
                Locale.ROOT,
                "<div role=\"meter\" aria-valuemin=\"0\" aria-valuemax=\"100\" aria-valuenow=\"%.0f\" aria-label=\"%s\" "
                        + "title=\"%s\" style=\"position:relative;height:22px;margin:4px 0;border:1px solid "
                        + "var(--jp-border-color1,#bdbdbd);background:var(--jp-layout-color2,#eee)\"><div style=\""
                        + "position:absolute;top:0;bottom:0;left:0;width:%.2f%%;background:%s\"></div><span style=\""
                        + "position:relative;padding:0 6px;line-height:22px;color:var(--jp-ui-font-color1,#212121)\">%s"
                        + "</span></div>",
                share,
                Html.escape(label),
                Html.escape(label),
                share,
                share > 95 ? "rgba(229,72,77,.6)" : share > 80 ? "rgba(255,157,0,.6)" : "rgba(86,180,233,.6)",
                Html.escape(label)));
    }

    /** Over time: an old timeline is thinned. */
    private static void curve(StringBuilder html, List<Reading> readings) {
        List<Reading> shown = readings.subList(Math.max(0, readings.size() - POINTS), readings.size()).stream()
                .filter(reading -> reading.rss().isPresent())
                .toList();
        if (shown.size() < 2) {
            return;
        }
        long[] resident =
                shown.stream().mapToLong(reading -> reading.rss().getAsLong()).toArray();
        double[] seconds = shown.stream()
                .mapToDouble(reading ->
                        Duration.between(shown.get(0).at(), reading.at()).toNanos() / 1e9)
                .toArray();
        double span = Math.max(1e-9, seconds[seconds.length - 1]);
        long most = 1;
        for (long bytes : resident) {
            most = Math.max(most, bytes);
        }
        long top = most + most / 8;
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < resident.length; i++) {
            points.append(Math.round(10 * WIDTH * seconds[i] / span) / 10.0)
                    .append(',')
                    .append(Math.round(10 * (HEIGHT - (double) HEIGHT * resident[i] / top)) / 10.0)
                    .append(' ');
        }
        html.append(String.format(
                Locale.ROOT,
                "<svg role=\"img\" aria-label=\"resident set over the last %.0f s, up to %s\" viewBox=\"0 0 %d %d\" "
                        + "preserveAspectRatio=\"none\" style=\"width:100%%;max-width:900px;height:%dpx;display:block\">"
                        + "<polyline points=\"%s\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\" "
                        + "vector-effect=\"non-scaling-stroke\"/></svg><div style=\"color:var(--jp-ui-font-color2,#616161)\">"
                        + "resident set over the last %.0f s, 0 to %s</div>",
                span,
                Bytes.format(top),
                WIDTH,
                HEIGHT,
                HEIGHT,
                points,
                span,
                Bytes.format(top)));
    }
}

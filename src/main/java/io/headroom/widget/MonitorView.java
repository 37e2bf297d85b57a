package io.headroom.widget;

import io.headroom.memory.Leak;
import io.headroom.memory.Limit;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Reading;
import io.headroom.render.Html;
import io.headroom.units.Bytes;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** A monitor's readings as a bar against the limit and a curve. */
final class MonitorView {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);
    private static final int POINTS = 240;
    private static final int WIDTH = 600;
    private static final int HEIGHT = 80;

    private MonitorView() {}

    static String html(Reading last, OptionalLong peak, MemoryMonitor monitor) {
        StringBuilder html = new StringBuilder("<div style=\"line-height:1.45\"><div><b>")
                .append(Html.escape(last.line()))
                .append("</b></div><div>peak ")
                .append(shown(peak))
                .append(" · ")
                .append(monitor.timeline().added())
                .append(" readings · ")
                .append(monitor.isClosed() ? "stopped at " : "at ")
                .append(CLOCK.format(last.at().atZone(ZoneId.systemDefault())))
                .append("</div>");
        last.limit().ifPresent(limit -> bar(html, limit));
        curve(html, monitor.timeline().readings());
        for (Leak leak : monitor.leaks()) {
            html.append("<div style=\"border-left:6px solid #ff9d00;padding:2px 8px;margin:4px 0\">△ ")
                    .append(Html.escape(leak.toString()))
                    .append("</div>");
        }
        return html.append("</div>").toString();
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

    private static void curve(StringBuilder html, List<Reading> readings) {
        List<Reading> shown =
                readings.size() > POINTS ? readings.subList(readings.size() - POINTS, readings.size()) : readings;
        long[] resident = shown.stream()
                .filter(reading -> reading.rss().isPresent())
                .mapToLong(reading -> reading.rss().getAsLong())
                .toArray();
        if (resident.length < 2) {
            return;
        }
        long most = 1;
        for (long bytes : resident) {
            most = Math.max(most, bytes);
        }
        long top = most + most / 8;
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < resident.length; i++) {
            points.append(String.format(
                    Locale.ROOT,
                    "%.1f,%.1f ",
                    (double) WIDTH * i / (resident.length - 1),
                    HEIGHT - (double) HEIGHT * resident[i] / top));
        }
        html.append(String.format(
                Locale.ROOT,
                "<svg role=\"img\" aria-label=\"resident set, the last %d readings, up to %s\" viewBox=\"0 0 %d %d\" "
                        + "preserveAspectRatio=\"none\" style=\"width:100%%;max-width:900px;height:%dpx;display:block\">"
                        + "<polyline points=\"%s\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\" "
                        + "vector-effect=\"non-scaling-stroke\"/></svg><div style=\"color:var(--jp-ui-font-color2,#616161)\">"
                        + "resident set, the last %d readings, 0 to %s</div>",
                resident.length,
                Bytes.format(top),
                WIDTH,
                HEIGHT,
                HEIGHT,
                points,
                resident.length,
                Bytes.format(top)));
    }

    private static String shown(OptionalLong bytes) {
        return bytes.isPresent() ? Bytes.format(bytes.getAsLong()) : "not known";
    }
}

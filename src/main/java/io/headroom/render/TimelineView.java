package io.headroom.render;

import io.headroom.memory.Limit;
import io.headroom.memory.Reading;
import io.headroom.memory.Timeline;
import io.headroom.units.Bytes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.IntStream;
import tech.tablesaw.plotly.components.Axis;
import tech.tablesaw.plotly.components.Figure;
import tech.tablesaw.plotly.components.Layout;
import tech.tablesaw.plotly.components.Line;
import tech.tablesaw.plotly.traces.ScatterTrace;
import tech.tablesaw.plotly.traces.Trace;

/** A timeline as a figure: the process over time, stages by name, the peak and the limit drawn; the same as text. */
public final class TimelineView {
    private static final int BAR = 30;
    private static final int ROWS = 40;
    private static final int HEIGHT = 420;
    /** A limit this many times above everything else would flatten the picture: it is told, not drawn. */
    private static final double FAR = 4;

    private TimelineView() {}

    /** Figure and text; text alone while there is nothing to draw. */
    public static Bundle of(Timeline timeline) {
        List<Reading> readings = timeline.readings().stream()
                .filter(reading -> reading.rss().isPresent())
                .toList();
        return of(readings, timeline.added());
    }

    /** Of readings whose resident set is known. */
    static Bundle of(List<Reading> readings, long added) {
        String text = text(readings, added);
        if (readings.isEmpty()) {
            return Bundle.text(text);
        }
        return Bundle.text(text).with(PlotlyFigure.MIME, json(readings));
    }

    /** The figure itself, for code that goes on with it. */
    public static Figure figure(Timeline timeline) {
        return figure(timeline.readings().stream()
                .filter(reading -> reading.rss().isPresent())
                .toList());
    }

    private record Unit(String name, double bytes) {}

    private static Unit unit(long[] tops) {
        return most(tops) > Bytes.GIB ? new Unit("GiB", Bytes.GIB) : new Unit("MiB", Bytes.MIB);
    }

    private static Figure figure(List<Reading> readings) {
        long[] tops = Timeline.tops(readings);
        Unit unit = unit(tops);
        List<Trace> traces = new ArrayList<>();
        traces.add(line("process", readings, unit, Reading::rss, "#1f77b4", Line.Dash.SOLID, 2));
        traces.add(line(
                "Java heap", readings, unit, r -> OptionalLong.of(r.jvm().heapUsed()), "#ff7f0e", Line.Dash.SOLID, 1));
        if (readings.stream().anyMatch(r -> r.arrays().isPresent())) {
            traces.add(line(
                    "NDArrays",
                    readings.stream().filter(r -> r.arrays().isPresent()).toList(),
                    unit,
                    r -> OptionalLong.of(r.arrays().orElseThrow().bytes()),
                    "#2ca02c",
                    Line.Dash.SOLID,
                    1));
        }
        int[] spikes = IntStream.range(0, tops.length)
                .filter(i -> tops[i] > readings.get(i).rss().getAsLong())
                .toArray();
        if (spikes.length > 0) {
            traces.add(markers(spikes, readings, tops, unit));
        }
        long most = most(tops);
        List<Reading> limited =
                readings.stream().filter(r -> drawn(r, most).isPresent()).toList();
        if (!limited.isEmpty()) {
            traces.add(line(
                    "limit",
                    limited,
                    unit,
                    r -> OptionalLong.of(drawn(r, most).orElseThrow().bytes()),
                    "#d62728",
                    Line.Dash.DASH,
                    1));
        }
        Layout layout = Layout.builder()
                .title("Memory of this process")
                .xAxis(Axis.builder().title("seconds").build())
                .yAxis(Axis.builder().title(unit.name()).build())
                .height(HEIGHT)
                .build();
        return new Figure(layout, traces.toArray(Trace[]::new));
    }

    /** The limit in force, where it is near enough to be drawn; a cap always is. */
    private static Optional<Limit> drawn(Reading reading, long most) {
        return reading.limit().filter(limit -> limit.kind() == Limit.Kind.CAP || limit.bytes() < FAR * most);
    }

    private static ScatterTrace line(
            String name,
            List<Reading> readings,
            Unit unit,
            Function<Reading, OptionalLong> value,
            String color,
            Line.Dash dash,
            int width) {
        double[] x = new double[readings.size()];
        double[] y = new double[readings.size()];
        for (int i = 0; i < x.length; i++) {
            x[i] = seconds(readings.get(0), readings.get(i));
            y[i] = value.apply(readings.get(i)).getAsLong() / unit.bytes();
        }
        return ScatterTrace.builder(x, y)
                .name(name)
                .mode(x.length == 1 ? ScatterTrace.Mode.MARKERS : ScatterTrace.Mode.LINE)
                .line(Line.builder().color(color).dash(dash).width(width).build())
                .build();
    }

    private static ScatterTrace markers(int[] spikes, List<Reading> readings, long[] tops, Unit unit) {
        double[] x = new double[spikes.length];
        double[] y = new double[spikes.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = seconds(readings.get(0), readings.get(spikes[i]));
            y[i] = tops[spikes[i]] / unit.bytes();
        }
        return ScatterTrace.builder(x, y)
                .name("peak since the stage before")
                .mode(ScatterTrace.Mode.MARKERS)
                .build();
    }

    private static long most(long[] tops) {
        return Arrays.stream(tops).max().orElse(0);
    }

    /** Adds what jsplot has no words for: stage names and the peak as annotations. */
    @SuppressWarnings("unchecked")
    private static Map<String, Object> json(List<Reading> readings) {
        Map<String, Object> json = PlotlyFigure.json(figure(readings));
        long[] tops = Timeline.tops(readings);
        Unit unit = unit(tops);
        List<Object> notes = new ArrayList<>();
        List<Object> lines = new ArrayList<>();
        long most = most(tops);
        boolean marked = false;
        for (int i = 0; i < tops.length; i++) {
            Reading reading = readings.get(i);
            double x = seconds(readings.get(0), reading);
            if (!reading.stage().isEmpty()) {
                Map<String, Object> stage = note(Html.escape(reading.stage()), x, 1);
                stage.put("yref", "paper");
                stage.put("yanchor", "top");
                stage.put("xanchor", "left");
                stage.put("textangle", -90);
                stage.put("showarrow", false);
                notes.add(stage);
                lines.add(vertical(x));
            }
            if (!marked && tops[i] == most) {
                marked = true;
                Map<String, Object> peak = note("peak " + Bytes.format(tops[i]), x, tops[i] / unit.bytes());
                peak.put("showarrow", true);
                notes.add(peak);
            }
        }
        Map<String, Object> layout = (Map<String, Object>) json.get("layout");
        layout.put("annotations", notes);
        layout.put("shapes", lines);
        ((Map<String, Object>) layout.computeIfAbsent("yaxis", key -> new LinkedHashMap<>()))
                .put("rangemode", "tozero");
        return json;
    }

    private static Map<String, Object> note(String text, double x, double y) {
        Map<String, Object> note = new LinkedHashMap<>();
        note.put("text", text);
        note.put("x", x);
        note.put("y", y);
        return note;
    }

    private static Map<String, Object> vertical(double x) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("type", "line");
        line.put("x0", x);
        line.put("x1", x);
        line.put("y0", 0);
        line.put("y1", 1);
        line.put("yref", "paper");
        line.put("line", Map.of("color", "#aaaaaa", "width", 1, "dash", "dot"));
        return line;
    }

    private static String text(List<Reading> readings, long added) {
        if (readings.isEmpty()) {
            return "No readings yet: take some with memory(\"start\").";
        }
        long[] tops = Timeline.tops(readings);
        long most = most(tops);
        int[] named = IntStream.range(0, tops.length)
                .filter(i -> !readings.get(i).stage().isEmpty())
                .toArray();
        int[] shown = named.length == 0 ? IntStream.range(0, tops.length).toArray() : named;
        StringBuilder text = new StringBuilder(
                String.format(Locale.ROOT, "Memory over %d readings, peak %s", added, Bytes.format(most)));
        readings.get(readings.size() - 1).limit().ifPresent(limit -> text.append(", ")
                .append(limit.label()));
        for (int i = Math.max(0, shown.length - ROWS); i < shown.length; i++) {
            Reading reading = readings.get(shown[i]);
            long bytes = reading.rss().getAsLong();
            long top = tops[shown[i]];
            int full = (int) Math.round(BAR * (double) bytes / most);
            int spike = (int) Math.round(BAR * (double) top / most) - full;
            text.append(String.format(
                    Locale.ROOT,
                    "%n%8.2f s %-" + BAR + "s %11s  %s%s",
                    seconds(readings.get(0), reading),
                    "█".repeat(full) + "░".repeat(spike),
                    Bytes.format(bytes),
                    reading.stage(),
                    top > bytes ? ", peak before it " + Bytes.format(top) : ""));
        }
        return text.toString();
    }

    private static double seconds(Reading from, Reading to) {
        return Duration.between(from.at(), to.at()).toNanos() / 1e9;
    }
}

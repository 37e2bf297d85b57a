package io.headroom.render;

import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Footprint;
import io.headroom.allocator.OomPoint;
import io.headroom.allocator.ProcessCap;
import io.headroom.allocator.Series;
import io.headroom.allocator.Source;
import io.headroom.allocator.WhatIf;
import io.headroom.budget.Device;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.IntToLongFunction;

/** Replays as a picture over time, and the table of what would have been. */
public final class ReplayView {
    private static final double FAR = 4;
    private static final String LOST =
            "What to do: record the run from its start (_record_memory_history before the first allocation, with a larger"
                    + " max_entries) and ask again. This recording died and its replay does not: what was cached before it"
                    + " began is lost, every row starts without it, so none of them says what saves the run.";

    private ReplayView() {}

    /** Settings × survives, peak reserved, fragmentation, retries; below it why the run died and what would suffice. */
    public static Bundle of(WhatIf whatIf) {
        StringBuilder text = new StringBuilder(heading(whatIf));
        StringBuilder html = new StringBuilder("<div><b>")
                .append(Html.escape(heading(whatIf)))
                .append(
                        "</b></div><table><thead><tr><th style=\"text-align:left\">change</th>"
                                + "<th style=\"text-align:left\">run</th><th>peak reserved</th>"
                                + "<th>peak allocated</th><th>unallocated</th><th>retries</th><th style=\"text-align:left\">how</th></tr></thead><tbody>");
        int width = whatIf.rows().stream()
                        .mapToInt(row -> row.change().length())
                        .max()
                        .orElse(0)
                + 2;
        String line = "%n%-" + width + "s %-9s %13s %13s %12s %7s";
        text.append(String.format(
                Locale.ROOT, line, "change", "run", "peak reserved", "peak alloc.", "unallocated", "retries"));
        for (WhatIf.Row row : whatIf.rows()) {
            Footprint footprint = row.footprint();
            String[] cells = {
                row.change(),
                row.survives() ? "survives" : "dies",
                Bytes.format(footprint.peakReserved().bytes()),
                Bytes.format(footprint.peakAllocated().bytes()),
                String.format(Locale.ROOT, "%.1f %%", 100 * footprint.fragmentation()),
                String.valueOf(footprint.statistics().numAllocRetries()),
            };
            text.append(String.format(Locale.ROOT, line, (Object[]) cells));
            html.append("<tr>");
            for (int i = 0; i < cells.length; i++) {
                boolean bold = i == 1 && row.survives() || row.recorded() && i == 0;
                html.append(i < 2 ? "<td style=\"text-align:left\">" : "<td>")
                        .append(bold ? "<b>" : "")
                        .append(breakable(cells[i]))
                        .append(bold ? "</b>" : "")
                        .append("</td>");
            }
            html.append("<td style=\"text-align:left\">")
                    .append(breakable(row.how()))
                    .append("</td></tr>");
        }
        html.append("</tbody></table>");
        for (String note : notes(whatIf)) {
            text.append('\n').append(note);
            html.append("<p>").append(Html.escape(note)).append("</p>");
        }
        return Bundle.text(text.toString()).html(html.toString());
    }

    private static String breakable(String cell) {
        return Html.escape(cell).replace(",", ",<wbr>").replace("=", "=<wbr>");
    }

    private static String card(OptionalLong bytes) {
        return bytes.isEmpty()
                ? "none"
                : Device.smallestCard(bytes.getAsLong()).map(Device::name).orElse("none of the table");
    }

    private static String limit(OptionalLong bytes) {
        return bytes.isEmpty() ? "none" : Bytes.format(bytes.getAsLong());
    }

    private static String heading(WhatIf whatIf) {
        int device = whatIf.trace().device();
        boolean several =
                whatIf.source().filter(source -> source.devices().size() > 1).isPresent();
        return "The same " + whatIf.trace().allocations() + " allocations"
                + (several || device > 0 ? " of device " + device : "") + " under other settings"
                + (whatIf.limit().isPresent()
                        ? ", with " + Bytes.format(whatIf.limit().getAsLong()) + " to have"
                        : "")
                + (whatIf.missesFailure() ? ", on an empty device: the beginning of the recording is lost" : "");
    }

    /** What stands below the table. */
    public static List<String> notes(WhatIf whatIf) {
        List<String> notes = new ArrayList<>();
        whatIf.source()
                .filter(source -> source.events() == 0)
                .ifPresent(source ->
                        notes.add("The snapshot has no events of this device: only what was live at its end is"
                                + " replayed. Call torch.cuda.memory._record_memory_history() before the run."));
        notes.add(whatIf.missesFailure() ? LOST : advice(whatIf));
        if (whatIf.missesFailure()) {
            whatIf.source().flatMap(Source::refused).ifPresent(refused -> notes.addAll(recorded(whatIf, refused)));
        }
        if (!whatIf.asItWas().survives() && whatIf.rows().stream().noneMatch(WhatIf.Row::approximate)) {
            notes.add(
                    "No step ended before the failure, so half the batch cannot be replayed: a smaller batch may do.");
        }
        whatIf.source()
                .flatMap(Source::cap)
                .ifPresent(cap -> notes.add("It was not the card that refused: " + cap + ". " + held(whatIf, cap)));
        whatIf.asItWas()
                .footprint()
                .oom()
                .ifPresent(point ->
                        notes.add("As it was: " + point + (point.operator().isEmpty() ? "" : ", in " + point.operator())
                                + ". " + cause(whatIf, point)));
        whatIf.hole().ifPresent(hole -> notes.add("Why: " + hole + "."));
        if (!whatIf.missesFailure()) {
            notes.add(smallest(whatIf));
        }
        whatIf.source().ifPresent(source -> notes.addAll(ofSource(source)));
        if (!whatIf.reproduces() && !whatIf.died()) {
            notes.add("The recorded run survived and its replay under this limit does not.");
        }
        if (whatIf.recorded().memoryFraction() < 1 && whatIf.limit().isEmpty()) {
            notes.add(
                    "The run had a memory fraction, a share of a card whose size the snapshot does not tell: give its size"
                            + " (--total, in a notebook WhatIf.Given.nothing().withTotal(\"80 GiB\")).");
        }
        if (whatIf.trace().skipped() > 0) {
            notes.add(whatIf.trace().skipped()
                    + " recorded frees concern addresses that were not live and are left out.");
        }
        return notes;
    }

    private static String smallest(WhatIf whatIf) {
        OptionalLong asItWas = whatIf.smallestLimitAsItWas();
        OptionalLong best = whatIf.smallestLimit();
        return "Smallest limit on which it survives: as it was "
                + limit(asItWas) + ", under the best settings " + limit(best)
                + "; a card needs the CUDA context (0.3 to 1 GiB) on top. Smallest card: as it was "
                + card(asItWas) + ", under the best settings " + card(best) + ".";
    }

    private static List<String> recorded(WhatIf whatIf, Source.Refused refused) {
        OomPoint point = refused.point();
        return List.of(
                "As it was recorded: " + point + (point.operator().isEmpty() ? "" : ", in " + point.operator()) + ". "
                        + cause(whatIf, point)
                        + (point.isFragmentation()
                                ? " expandable_segments:True is made for that; for this run it was not replayed."
                                : ""),
                "Why: " + refused.hole() + ".");
    }

    private static String held(WhatIf whatIf, ProcessCap cap) {
        return whatIf.recorded().memoryFraction() < 1
                ? "The memory fraction of its settings: a row without it lifts the cap."
                : "Raise the cap first; the rows replay "
                        + Bytes.format(whatIf.limit().orElse(cap.least())) + ".";
    }

    private static List<String> ofSource(Source source) {
        List<String> notes = new ArrayList<>();
        List<Integer> others = new ArrayList<>(source.failed());
        others.remove((Integer) source.device());
        if (source.devices().size() > 1) {
            notes.add("The snapshot has devices " + source.devices() + "; looked at is device " + source.device()
                    + (source.failed().contains(source.device()) ? ", which ran out of memory" : "")
                    + (others.isEmpty() ? "" : ". Out of memory too or instead: " + others)
                    + ". Another: --device N, in a notebook WhatIf.Given.nothing().withDevice(N).");
        }
        if (source.privatePools() > 0) {
            notes.add(Bytes.format(source.privatePools())
                    + " are in segments of private pools (CUDA graphs, torch.compile, MemPool); they are replayed as if of the"
                    + " default pools.");
        }
        if (source.events() > 0) {
            source.fidelity().ifPresent(fidelity -> notes.add("Replay against recording: " + fidelity + "."));
        }
        return notes;
    }

    private static String advice(WhatIf whatIf) {
        Footprint asItWas = whatIf.asItWas().footprint();
        return whatIf.recommended()
                .map(row -> "What to do: " + row.how().replaceAll("[.]$", "") + ". Then "
                        + (asItWas.survives() ? "it takes " : "the run survives with ")
                        + Bytes.format(row.footprint().peakReserved().bytes()) + " reserved at its peak"
                        + (asItWas.survives()
                                ? " instead of "
                                        + Bytes.format(asItWas.peakReserved().bytes())
                                : "")
                        + ".")
                .orElse(
                        asItWas.survives()
                                ? "What to do: nothing. No setting here needs clearly less than the run as it was."
                                : "What to do: none of these saves the run; it needs less memory or a larger card.");
    }

    private static String cause(WhatIf whatIf, OomPoint point) {
        if (point.free() >= point.tried() && whatIf.recorded().expandableSegments()) {
            return "Expandable segments ask the device for whole pages (20 MiB for requests above 1 MiB), and those did not fit: capacity.";
        }
        if (!point.isFragmentation()) {
            return "Free and holes together would not have been enough: capacity.";
        }
        Trace.Peak peak = whatIf.trace().peakLive();
        return "Free and holes together would have been enough: fragmentation."
                + (peak.bytes() > whatIf.limit().orElse(Long.MAX_VALUE)
                        ? " But later " + Bytes.format(peak.bytes())
                                + " are alive at once, more than there is: capacity too."
                        : "");
    }

    /** Allocated, active and reserved over the events, against the limit where it is near. */
    public static Bundle of(Footprint footprint) {
        Series series = footprint.series();
        List<Object> lines = new ArrayList<>();
        lines.add(line("reserved", "#f2a900", series, series::reserved));
        lines.add(line("active", "#b279a2", series, series::active));
        lines.add(line("allocated", "#4c78a8", series, series::allocated));
        long most = footprint.peakReserved().bytes();
        List<Object> shapes = new ArrayList<>();
        if (footprint.limit() != CachingAllocator.UNLIMITED && footprint.limit() < FAR * most) {
            Map<String, Object> limit = new LinkedHashMap<>();
            limit.put("type", "line");
            limit.put("xref", "paper");
            limit.put("x0", 0);
            limit.put("x1", 1);
            limit.put("y0", mebibytes(footprint.limit()));
            limit.put("y1", mebibytes(footprint.limit()));
            limit.put("line", Map.of("color", "#d62728", "dash", "dash"));
            shapes.add(limit);
        }
        Map<String, Object> layout = new LinkedHashMap<>();
        layout.put(
                "title",
                Map.of("text", Html.escape(footprint.settings() + (footprint.survives() ? "" : ": out of memory"))));
        layout.put("xaxis", Map.of("title", Map.of("text", "event")));
        layout.put("yaxis", Map.of("title", Map.of("text", "MiB"), "rangemode", "tozero"));
        layout.put("height", 360);
        layout.put("shapes", shapes);
        Map<String, Object> figure = new LinkedHashMap<>();
        figure.put("data", lines);
        figure.put("layout", layout);
        figure.put("config", Map.of());
        return Bundle.text(footprint.toString()).with(PlotlyFigure.MIME, figure);
    }

    private static Map<String, Object> line(String name, String colour, Series series, IntToLongFunction bytes) {
        List<Object> x = new ArrayList<>();
        List<Object> y = new ArrayList<>();
        for (int point = 0; point < series.points(); point++) {
            x.add(series.event(point));
            y.add(mebibytes(bytes.applyAsLong(point)));
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("type", "scatter");
        line.put("mode", "lines");
        line.put("name", name);
        line.put("line", Map.of("color", colour, "shape", "hv"));
        line.put("x", x);
        line.put("y", y);
        return line;
    }

    private static double mebibytes(long bytes) {
        return Math.round(bytes * 100.0 / Bytes.MIB) / 100.0;
    }
}

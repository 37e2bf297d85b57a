package io.headroom.render;

import io.headroom.allocator.AddressMap;
import io.headroom.allocator.Segment;
import io.headroom.allocator.Segment.Block;
import io.headroom.allocator.Segment.State;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Locale;

/**
 * Address maps: a bar for each segment, in the order of their addresses, holes visible; several side by side, or one moment of many.
 *
 * <p>The largest segments are drawn, at most {@value #MOST_SEGMENTS}, and of a segment at most {@value #MOST_BLOCKS} runs;
 * the figures above the picture count all.
 */
public final class AddressMapView {
    static final int MOST_SEGMENTS = 240;
    static final int MOST_BLOCKS = 160;

    private static final int CHARACTERS = 64;
    private static final String LIVE = "#4c78a8";
    private static final String WAITING = "#b279a2";
    private static final String FREE = "#f2cf5b";

    private AddressMapView() {}

    /** One map: text and HTML. */
    public static Bundle of(AddressMap map) {
        return sideBySide(List.of(map));
    }

    /** One of many moments of a run, drawn to the scale of them all. */
    public static Bundle of(List<AddressMap> moments, int moment) {
        return drawn(List.of(moments.get(moment)), scale(moments));
    }

    /** Several maps beside each other, drawn to one scale. */
    public static Bundle sideBySide(List<AddressMap> maps) {
        return drawn(maps, scale(maps));
    }

    private static long scale(List<AddressMap> maps) {
        return maps.stream()
                .flatMap(map -> map.segments().stream())
                .mapToLong(Segment::size)
                .max()
                .orElse(1);
    }

    private static Bundle drawn(List<AddressMap> maps, long scale) {
        StringBuilder text = new StringBuilder();
        StringBuilder html = new StringBuilder("<div style=\"display:flex;width:100%\">");
        for (AddressMap map : maps) {
            text.append(text.length() == 0 ? "" : "\n\n").append(text(map, scale));
            html.append("<div style=\"width:").append(96 / maps.size()).append("%;padding:0 1%\">");
            html(html, map, scale);
            html.append("</div>");
        }
        html.append("</div><div style=\"font-size:12px\">");
        key(html, LIVE, "allocated");
        key(html, WAITING, "waiting for a stream");
        key(html, FREE, "free: a hole, or a cached segment");
        return Bundle.text(text.toString()).html(html.append("</div>").toString());
    }

    private static void key(StringBuilder html, String colour, String name) {
        html.append("<span style=\"background:")
                .append(colour)
                .append(";padding:0 8px\">&nbsp;</span> ")
                .append(name)
                .append(" &nbsp; ");
    }

    private static void html(StringBuilder html, AddressMap map, long scale) {
        html.append("<div style=\"font-size:12px\"><b>")
                .append(Html.escape(settings(map)))
                .append("</b><br>")
                .append(Html.escape(caption(map)))
                .append("</div><div style=\"display:flex;flex-wrap:wrap\">");
        for (Segment segment : drawn(map)) {
            html.append(String.format(
                    Locale.ROOT,
                    "<div style=\"display:flex;width:%.2f%%;height:12px;margin:1px 1px 1px 0;border:1px solid #888888\">",
                    Math.max(1, 97.0 * segment.size() / scale)));
            for (Block run : segment.runs(MOST_BLOCKS)) {
                html.append(String.format(
                        Locale.ROOT,
                        "<div title=\"%s\" style=\"width:%.3f%%;background:%s\"></div>",
                        Html.escape(title(map, run)),
                        100.0 * run.size() / segment.size(),
                        colour(run.state())));
            }
            html.append("</div>");
        }
        html.append("</div>");
        int more = map.count() - drawn(map).size();
        html.append(more > 0 ? "<div style=\"font-size:12px\">and " + more + " smaller segments</div>" : "");
    }

    private static String caption(AddressMap map) {
        String phase = map.trace().phaseAt(map.event());
        return "event " + map.event() + (phase.isEmpty() ? "" : ", " + phase) + ": "
                + map.count()
                + (map.count() == 1 ? " segment, " : " segments, ") + Bytes.format(map.reserved())
                + " reserved, " + Bytes.format(map.allocated())
                + " allocated, largest hole " + Bytes.format(map.largestHole())
                + (map.requested() > 0 ? "; asked in vain for " + Bytes.format(map.requested()) : "");
    }

    private static String settings(AddressMap map) {
        return map.settings().isDefault() ? "default settings" : map.settings().toString();
    }

    private static String title(AddressMap map, Block block) {
        if (block.state() == State.INACTIVE) {
            return "free " + Bytes.format(block.size());
        }
        String operator = block.allocation() < 0 ? "" : map.trace().operator(block.allocation());
        return Bytes.format(block.size()) + " " + operator;
    }

    private static String colour(State state) {
        return switch (state) {
            case ACTIVE_ALLOCATED -> LIVE;
            case ACTIVE_PENDING_FREE -> WAITING;
            case INACTIVE -> FREE;
        };
    }

    private static List<Segment> drawn(AddressMap map) {
        return AddressMap.largest(map.segments(), MOST_SEGMENTS);
    }

    private static String text(AddressMap map, long scale) {
        StringBuilder text = new StringBuilder(settings(map) + ", " + caption(map));
        int column = CHARACTERS;
        for (Segment segment : drawn(map)) {
            int width = (int) Math.max(2, Math.round((double) CHARACTERS * segment.size() / scale));
            boolean fits = column + width <= CHARACTERS;
            text.append(fits ? " [" : "\n  [");
            column = fits ? column + width + 3 : width + 3;
            for (int cell : cells(segment, width)) {
                text.append(cell == 1 ? '.' : cell == 2 ? '#' : '~');
            }
            text.append("]");
        }
        return text.append("\n  # allocated   . free   ~ waiting for a stream").toString();
    }

    /** A hole that no cell shows, though it is no crumb, is shown where most of it lies. */
    private static void showHole(int[] cells, long[][] bytes, long size) {
        long free = 0;
        int at = 0;
        for (int i = 0; i < cells.length; i++) {
            if (cells[i] == 1) {
                return;
            }
            free += bytes[i][1];
            at = bytes[i][1] > bytes[at][1] ? i : at;
        }
        if (free >= size / 20 && cells.length > 1) {
            cells[at] = 1;
        }
    }

    /** 1 free, 2 allocated, 3 waiting: what fills most of each of {@code width} cells. */
    private static int[] cells(Segment segment, int width) {
        long[][] bytes = new long[width][4];
        for (Block block : segment.blocks()) {
            long from = block.address() - segment.address();
            int kind = block.state() == State.INACTIVE ? 1 : block.state() == State.ACTIVE_ALLOCATED ? 2 : 3;
            double cell = (double) segment.size() / width;
            int first = (int) Math.min(width - 1, from / cell);
            int last = (int) Math.min(width - 1, (from + block.size() - 1) / cell);
            for (int i = first; i <= last; i++) {
                long start = Math.max(from, (long) (i * cell));
                long end = Math.min(from + block.size(), (long) ((i + 1) * cell));
                bytes[i][kind] += Math.max(0, end - start);
            }
        }
        int[] cells = new int[width];
        for (int i = 0; i < width; i++) {
            cells[i] = bytes[i][1] >= bytes[i][2] + bytes[i][3] ? 1 : bytes[i][2] >= bytes[i][3] ? 2 : 3;
        }
        showHole(cells, bytes, segment.size());
        return cells;
    }
}

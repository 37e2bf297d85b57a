package io.headroom.render;

import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.MemoryMap;
import io.headroom.units.Bytes;
import java.util.Locale;
import java.util.Optional;

/** The memory at the failure as one stacked bar, against the device or its limit, with the request below it. */
final class MemoryPicture {
    private static final int CHARACTERS = 60;

    private final MemoryMap map;
    private final long whole;

    private MemoryPicture(MemoryMap map) {
        this.map = map;
        this.whole = Math.max(1, map.drawn());
    }

    static Optional<MemoryPicture> of(Diagnosis diagnosis) {
        return diagnosis.map().map(MemoryPicture::new);
    }

    String html() {
        StringBuilder out = new StringBuilder(1024);
        out.append(
                "<div style=\"margin:8px 0\"><div style=\"display:flex;width:100%;height:22px;border:1px solid #8888\">");
        for (MemoryMap.Part part : map.parts()) {
            out.append("<div title=\"").append(Html.escape(part.name() + " " + Bytes.format(part.bytes())));
            out.append("\" style=\"width:")
                    .append(percent(part.bytes()))
                    .append("%;background:")
                    .append(colour(part));
            out.append(
                    ";overflow:hidden;white-space:nowrap;font-size:11px;line-height:22px;text-align:center;color:#000\">");
            out.append(mark(part)).append("</div>");
        }
        out.append("</div>");
        map.requested().ifPresent(size -> {
            out.append("<div style=\"display:flex;width:100%\"><div style=\"width:")
                    .append(percent(size.bytes()));
            out.append("%;border:2px dashed #d0453b;height:10px\" title=\"asked for\"></div></div>");
        });
        out.append("<div style=\"font-size:12px\">");
        for (MemoryMap.Part part : map.parts()) {
            out.append("<span style=\"background:").append(colour(part)).append(";color:#000;padding:0 5px\">");
            out.append(mark(part))
                    .append("</span> ")
                    .append(Html.escape(part.name()))
                    .append(' ');
            out.append(Bytes.format(part.bytes())).append(" &nbsp; ");
        }
        map.requested().ifPresent(size -> out.append(
                        "<span style=\"border:2px dashed #d0453b;padding:0 4px\">?</span>" + " asked for ")
                .append(size)
                .append(" &nbsp; "));
        out.append(" of ").append(Html.escape(map.wholeName())).append(' ').append(Bytes.format(map.whole()));
        return out.append("</div></div>").toString();
    }

    String text() {
        StringBuilder bar = new StringBuilder("  [");
        for (MemoryMap.Part part : map.parts()) {
            int width = (int) Math.round(part.bytes() * (double) CHARACTERS / whole);
            bar.append(mark(part).repeat(Math.max(0, width)));
        }
        bar.append("]\n");
        for (MemoryMap.Part part : map.parts()) {
            bar.append("   ")
                    .append(mark(part))
                    .append("  ")
                    .append(part.name())
                    .append(' ');
            bar.append(Bytes.format(part.bytes())).append('\n');
        }
        map.requested()
                .ifPresent(size -> bar.append("   ?  asked for ").append(size).append('\n'));
        return bar.append("      of ")
                .append(map.wholeName())
                .append(' ')
                .append(Bytes.format(map.whole()))
                .append('\n')
                .toString();
    }

    private String percent(long bytes) {
        return String.format(Locale.ROOT, "%.2f", Math.min(100, 100.0 * bytes / whole));
    }

    private static String colour(MemoryMap.Part part) {
        return switch (part.kind()) {
            case ALLOCATED -> "#4c8fd6";
            case HOLES -> "#f2c14e";
            case OVERHEAD -> "#9fb4c8";
            case OTHER -> "#b58ad6";
            case FREE -> "#7fc97f";
        };
    }

    private static String mark(MemoryMap.Part part) {
        return switch (part.kind()) {
            case ALLOCATED -> "A";
            case HOLES -> "U";
            case OVERHEAD -> "c";
            case OTHER -> "o";
            case FREE -> ".";
        };
    }
}

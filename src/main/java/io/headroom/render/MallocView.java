package io.headroom.render;

import io.headroom.allocator.MallocReplay;
import io.headroom.units.Bytes;
import java.util.Locale;

/** A trace on the C library's malloc as a table: a row and a bar for each setting. */
public final class MallocView {
    private static final int WIDTH = 240;

    private MallocView() {}

    /** Peak, what stayed resident in the end, what of it the program held, what malloc_trim gave back. */
    public static Bundle of(MallocReplay replay) {
        String heading = "The same " + replay.trace().allocations()
                + " allocations on malloc, measured; at most "
                + Bytes.format(replay.trace().peakLive().bytes()) + " are alive at once";
        StringBuilder text = new StringBuilder(heading)
                .append(String.format(
                        Locale.ROOT,
                        "%n%-32s %12s %13s %12s %14s",
                        "setting",
                        "peak",
                        "left resident",
                        "still held",
                        "trim gives back"));
        StringBuilder html = new StringBuilder(
                "<div><b>" + Html.escape(heading) + "</b></div><table><thead><tr>"
                        + "<th style=\"text-align:left\">setting</th><th>peak</th><th>left resident</th><th>still held</th>"
                        + "<th>malloc_trim gives back</th><th style=\"text-align:left\">left resident</th></tr></thead><tbody>");
        long longest =
                replay.rows().stream().mapToLong(MallocReplay.Row::peak).max().orElse(0);
        longest = Math.max(1, longest);
        for (MallocReplay.Row row : replay.rows()) {
            String[] cells = {
                row.change(),
                Bytes.format(row.peak()),
                Bytes.format(Math.max(0, row.end())),
                Bytes.format(row.live()),
                Bytes.format(row.trimmed())
            };
            text.append(String.format(Locale.ROOT, "%n%-32s %12s %13s %12s %14s", (Object[]) cells));
            html.append("<tr>");
            for (int i = 0; i < cells.length; i++) {
                html.append(i == 0 ? "<td style=\"text-align:left\">" : "<td>")
                        .append(Html.escape(cells[i]).replace(" ", "&nbsp;"))
                        .append("</td>");
            }
            html.append("<td style=\"text-align:left\">")
                    .append(bar(row, longest))
                    .append("</td></tr>");
        }
        html.append("</tbody></table>");
        return Bundle.text(text.toString()).html(html.toString());
    }

    private static String bar(MallocReplay.Row row, long longest) {
        long held = WIDTH * Math.min(row.live(), row.end()) / longest;
        long kept = WIDTH * row.kept() / longest;
        return "<div style=\"display:flex;width:" + WIDTH + "px;height:12px\" role=\"img\" aria-label=\"held "
                + Bytes.format(row.live()) + ", kept by malloc " + Bytes.format(row.kept())
                + "\"><div style=\"width:" + held + "px;background:#4c78a8\"></div><div style=\"width:" + kept
                + "px;background:#f2a900\"></div></div>";
    }
}

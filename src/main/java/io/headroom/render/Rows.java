package io.headroom.render;

import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** A table of named sizes in groups; rows whose size is absent are left out. */
final class Rows {
    private record Row(String group, String name, String size, String note) {}

    private final List<Row> rows = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private String group = "";

    /** {@code 1 array}, {@code 2 arrays}. */
    static String count(int many, String noun) {
        return many + " " + noun + (many == 1 ? "" : "s");
    }

    void group(String name) {
        group = name;
    }

    void add(String name, OptionalLong bytes, String note) {
        if (bytes.isPresent()) {
            rows.add(new Row(group, name, Bytes.format(bytes.getAsLong()), note));
        }
    }

    void note(String text) {
        notes.add(text);
    }

    String text() {
        StringBuilder text = new StringBuilder();
        for (Row row : rows) {
            text.append(text.length() == 0 ? "" : "\n")
                    .append(String.format(
                                    Locale.ROOT,
                                    "%-18s %-28s %12s  %s",
                                    row.group(),
                                    row.name(),
                                    row.size(),
                                    row.note())
                            .stripTrailing());
        }
        notes.forEach(note -> text.append('\n').append(note));
        return text.toString();
    }

    String html(String title) {
        StringBuilder html = new StringBuilder("<table><thead><tr><th colspan=\"4\" style=\"text-align:left\">")
                .append(Html.escape(title))
                .append("</th></tr></thead><tbody>");
        String last = "";
        for (Row row : rows) {
            html.append("<tr>");
            left(html, row.group().equals(last) ? "" : "<b>" + Html.escape(row.group()) + "</b>");
            left(html, Html.escape(row.name()));
            html.append("<td style=\"text-align:right;white-space:nowrap\">")
                    .append(row.size())
                    .append("</td>");
            left(html, Html.escape(row.note()));
            html.append("</tr>");
            last = row.group();
        }
        html.append("</tbody></table>");
        notes.forEach(note -> html.append("<p>").append(Html.escape(note)).append("</p>"));
        return html.toString();
    }

    private static void left(StringBuilder html, String cell) {
        html.append("<td style=\"text-align:left\">").append(cell).append("</td>");
    }
}

package io.headroom.render;

import io.headroom.budget.Malloc;
import io.headroom.remedy.Comparison;
import io.headroom.remedy.Comparison.Row;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A comparison as a table: what was predicted, what was measured, a bar each. */
public final class ComparisonView {
    private static final int WIDTH = 240;
    private static final String NOT_APPLICABLE = "does not apply";
    private static final String FRESH_PAGES =
            " This kernel's malloc gives large blocks back at once and makes each of fresh pages: what computes in slices or"
                    + " a second time (chunked attention, checkpointing) is slower here than its cost says.";

    private ComparisonView() {}

    /** Text and HTML of a comparison. */
    public static Bundle of(Comparison comparison) {
        List<Row> rows = comparison.rows();
        StringBuilder text = new StringBuilder(comparison.workload().toString());
        StringBuilder html = new StringBuilder(
                "<p>" + Html.escape(comparison.workload().toString()) + "</p>"
                        + "<table><thead><tr><th style=\"text-align:left\">Remedy</th><th>Predicted</th><th>Measured</th>"
                        + "<th>Error</th><th>Saved</th><th>Step</th><th>Loss</th><th style=\"text-align:left\">Predicted over measured</th></tr></thead><tbody>");
        long longest = rows.stream()
                .mapToLong(row -> Math.max(row.predictedBytes(), row.measuredBytes()))
                .max()
                .orElse(1);
        for (Row row : rows) {
            text.append('\n').append(line(row, rows.get(0)));
            html.append(cells(row, rows.get(0), Math.max(1, longest)));
        }
        html.append("</tbody></table>");
        notes(comparison).forEach(note -> {
            text.append("\n  ").append(note);
            html.append("<p style=\"font-size:12px\">")
                    .append(Html.escape(note))
                    .append("</p>");
        });
        return Bundle.text(text.toString()).html(html.toString());
    }

    private static List<String> notes(Comparison comparison) {
        List<String> notes =
                new ArrayList<>(note(comparison.workload()).stream().toList());
        if (comparison.rows().stream()
                .anyMatch(row ->
                        SmallSteps.isSmall(row.measuredBytes(), row.workload().device()))) {
            notes.add(SmallSteps.NOTE);
        }
        return notes;
    }

    private static Optional<String> note(Workload workload) {
        if (workload.isInference()) {
            return Optional.empty();
        }
        return Optional.of(
                "Each row is one step from the same weights and data, timed once. Where a remedy keeps the result, "
                        + (workload.dropout() > 0
                                ? "losses differ by what dropout draws, and with dropout(0) they agree,"
                                : "the loss is the same,")
                        + " but for accumulation: its micro-batches draw data of their own and are normalized apart."
                        + (Malloc.here() == Malloc.THRESHOLDS_FIXED ? FRESH_PAGES : ""));
    }

    private static String line(Row row, Row first) {
        return String.format(
                        Locale.ROOT,
                        "  %-44s predicted %11s  measured %14s  %7s  saved %7s  %7s  %s",
                        row.title(),
                        row.predicted().isPresent() ? Bytes.format(row.predictedBytes()) : "–",
                        outcome(row),
                        error(row),
                        saved(row, first),
                        seconds(row),
                        outcome(row).equals(NOT_APPLICABLE) || row.notRun()
                                ? row.obstacle().orElse("")
                                : loss(row, "loss %.4f"))
                .stripTrailing();
    }

    private static String cells(Row row, Row first, long longest) {
        return "<tr>" + cell("left", Html.escape(row.title()))
                + cell("right", row.predicted().isPresent() ? Bytes.format(row.predictedBytes()) : "–")
                + cell("right", Html.escape(outcome(row)))
                + cell("right", error(row))
                + cell("right", saved(row, first))
                + cell("right", seconds(row))
                + cell("right", loss(row, "%.4f"))
                + cell(
                        "left",
                        row.measured().isEmpty() && row.predicted().isEmpty()
                                ? Html.escape(row.obstacle().orElse(""))
                                : bar(row.predictedBytes(), longest, "#9ecae1")
                                        + (row.measured().isPresent()
                                                ? bar(row.measuredBytes(), longest, "#3182bd")
                                                : Html.escape(row.obstacle().orElse(""))))
                + "</tr>";
    }

    private static String outcome(Row row) {
        if (row.measured().isPresent()) {
            return Bytes.format(row.measuredBytes());
        }
        return row.predicted().isEmpty() ? NOT_APPLICABLE : row.notRun() ? "not run" : "out of memory";
    }

    private static String error(Row row) {
        return Double.isNaN(row.error()) ? "–" : String.format(Locale.ROOT, "%+.1f %%", row.error() * 100);
    }

    /** Against the measured first row, or against its prediction where that ran out of memory. */
    private static String saved(Row row, Row first) {
        long before = first.measured().isPresent() ? first.measuredBytes() : first.predictedBytes();
        if (row == first || row.measured().isEmpty() || before == 0) {
            return "–";
        }
        return String.format(Locale.ROOT, "%.0f %%", 100.0 * (before - row.measuredBytes()) / before);
    }

    private static String seconds(Row row) {
        return row.measured()
                .map(measured ->
                        String.format(Locale.ROOT, "%.1f s", measured.duration().toMillis() / 1000.0))
                .orElse("–");
    }

    private static String loss(Row row, String format) {
        return row.measured()
                .filter(measured -> !measured.workload().isInference())
                .map(measured -> String.format(Locale.ROOT, format, measured.loss()))
                .orElse("");
    }

    private static String bar(long bytes, long longest, String color) {
        return "<div style=\"background-color:" + color + ";width:" + Math.max(1, WIDTH * bytes / longest)
                + "px;height:8px;margin:1px 0\"></div>";
    }

    private static String cell(String align, String content) {
        return "<td style=\"text-align:" + align + "\">" + content + "</td>";
    }
}

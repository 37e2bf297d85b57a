package io.headroom.render;

import io.headroom.memory.LiveArrays;
import io.headroom.model.Holder;
import io.headroom.model.LoadedModel;
import io.headroom.model.PipelineReport;
import io.headroom.model.ReleaseReport;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.OptionalLong;

/** Loading and releasing in the notebook: bytes before and after, what came back, who holds the rest. */
public final class ModelView {
    private static final int MANAGERS = 5;

    private ModelView() {}

    /** A model just loaded, or released. */
    public static Bundle of(LoadedModel model) {
        Rows rows = new Rows();
        rows.add("weights", model.weights(), "from the file's header");
        rows.add("process before", model.before().rss(), "");
        rows.add("process after", model.after().rss(), signed(model.added()));
        rows.add(
                "head-room left",
                model.after().headroom(),
                model.after().limit().map(limit -> limit.label()).orElse(""));
        String title = "Model " + model.name() + (model.isReleased() ? " (released)" : "");
        return Bundle.text(model.toString()).html(rows.html(title));
    }

    /** A release. */
    public static Bundle of(ReleaseReport report) {
        Rows rows = new Rows();
        rows.add("process before", report.before().rss(), "");
        rows.add("process after", report.after().rss(), "");
        rows.add(
                "came back",
                report.returned(),
                report.added().isPresent()
                        ? "of " + Bytes.format(report.added().getAsLong()) + " that loading added"
                        : "");
        rows.add("did not", report.stayed(), "");
        rows.add("free but kept by malloc", report.after().nativeHeap().kept(), "");
        rows.group("Still held by");
        for (Holder holder : report.held()) {
            rows.add(
                    holder.name(),
                    OptionalLong.of(holder.bytes()),
                    holder.type() + ", " + holder.arrays() + " arrays: close it, or set it to null");
        }
        for (LiveArrays.Manager manager : report.open().stream().limit(MANAGERS).toList()) {
            rows.add("NDManager " + manager.name(), OptionalLong.of(manager.bytes()), manager.count() + " arrays");
        }
        return Bundle.text(report.toString()).html(rows.html("Released " + report.name()));
    }

    /** Several releases, one below the other. */
    public static Bundle of(List<ReleaseReport> reports) {
        if (reports.isEmpty()) {
            return Bundle.text("No model is loaded.");
        }
        StringBuilder text = new StringBuilder();
        StringBuilder html = new StringBuilder();
        for (ReleaseReport report : reports) {
            Bundle one = of(report);
            text.append(text.length() == 0 ? "" : "\n").append(one.plain());
            html.append(one.data().get(Bundle.HTML));
        }
        return Bundle.text(text.toString()).html(html.toString());
    }

    /** A pipeline, a row for each model. */
    public static Bundle of(PipelineReport report) {
        Rows rows = new Rows();
        for (PipelineReport.Stage stage : report.stages()) {
            rows.group(stage.name());
            rows.add(
                    "peak",
                    stage.peak().highest(),
                    stage.failure().isPresent()
                            ? "failed: " + message(stage.failure().get())
                            : "");
            rows.add(
                    stage.release().isPresent() ? "after its release" : "after it",
                    stage.peak().after().rss(),
                    "");
        }
        rows.group("all");
        rows.add("peak, measured", report.peak(), "");
        rows.add("peak, predicted", report.predictedReleased(), "with a release after each");
        rows.add("peak, predicted", report.predictedKept(), "with all kept loaded");
        return Bundle.text(report.toString()).html(rows.html("Models one after another"));
    }

    private static String message(Throwable failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    private static String signed(OptionalLong bytes) {
        return bytes.isPresent() ? Bytes.formatSigned(bytes.getAsLong()) : "";
    }
}

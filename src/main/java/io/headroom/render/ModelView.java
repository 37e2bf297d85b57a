package io.headroom.render;

import io.headroom.memory.LiveArrays;
import io.headroom.model.DeviceChange;
import io.headroom.model.Holder;
import io.headroom.model.LoadedModel;
import io.headroom.model.PipelineReport;
import io.headroom.model.ReleaseReport;
import io.headroom.model.Releases;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/** Loading and releasing in the notebook: bytes before and after, what came back, who holds the rest. */
public final class ModelView {
    private static final int MANAGERS = 5;
    private static final int HOLDERS = 8;
    private static final Set<String> CLOSEABLE = Set.of("NDArray", "NDList", "NDManager", "Model");

    private ModelView() {}

    /** A model just loaded, or released. */
    public static Bundle of(LoadedModel model) {
        Rows rows = new Rows();
        rows.add("weights", model.weights(), "from the file's header");
        rows.add("process before loading", model.before().rss(), "");
        rows.add("process after loading", model.after().rss(), signed(model.added()));
        devices(rows, model.devices());
        rows.add(
                "head-room then",
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
                atLeastNone(report.returned()),
                report.added().isPresent()
                        ? "loading had added " + Bytes.format(report.added().getAsLong())
                        : "");
        rows.add("did not", report.stayed(), "");
        rows.add("Java heap free again", OptionalLong.of(Math.max(0, report.heapFreed())), "");
        rows.add("free but kept by malloc", report.after().nativeHeap().kept(), "");
        devices(rows, report.devices());
        held(rows, report.held(), report.open());
        return Bundle.text(report.toString()).html(rows.html(report.name() + " released"));
    }

    /** Every model's release in a row, then the sum and who holds what did not come back. */
    public static Bundle of(Releases releases) {
        if (releases.isEmpty()) {
            return Bundle.text(releases.toString());
        }
        Rows rows = new Rows();
        for (ReleaseReport report : releases) {
            rows.add(report.name(), atLeastNone(report.returned()), beside(report.added(), report.stayed()));
        }
        if (releases.size() > 1) {
            rows.add(
                    "all " + releases.size(),
                    atLeastNone(releases.returned()),
                    beside(releases.added(), releases.stayed()));
        }
        rows.group("Process");
        rows.add("before", releases.get(0).before().rss(), "");
        rows.add("after", releases.after().rss(), "");
        rows.add("of it kept by malloc", releases.after().nativeHeap().kept(), "free, taken again by the next tensors");
        devices(rows, releases.devices());
        held(rows, releases.held(), List.of());
        return Bundle.text(releases.toString()).html(rows.html("Released, bytes that came back"));
    }

    private static String beside(OptionalLong added, OptionalLong stayed) {
        return added.isEmpty()
                ? ""
                : "loading had added " + Bytes.format(added.getAsLong())
                        + (stayed.orElse(0) > 0 ? ", " + Bytes.format(stayed.getAsLong()) + " did not" : "");
    }

    private static OptionalLong atLeastNone(OptionalLong bytes) {
        return bytes.isPresent() ? OptionalLong.of(Math.max(0, bytes.getAsLong())) : bytes;
    }

    private static String count(Holder holder) {
        String least = holder.atLeast() ? "at least " : "";
        return holder.isModel() ? "" : ", " + least + Rows.count(holder.arrays(), "array");
    }

    private static String advice(Holder holder) {
        if (holder.isModel()) {
            return "release(" + holder.name() + ") gives it back";
        }
        if (holder.type().equals("Trainer")) {
            return "close it and its model; what its optimizer keeps, such as Adam's states, DJL leaves open";
        }
        return CLOSEABLE.contains(holder.type())
                ? holder.name() + ".close() gives it back"
                : "close the arrays in it, or the NDManager that made them";
    }

    private static void devices(Rows rows, List<DeviceChange> devices) {
        for (DeviceChange device : devices) {
            rows.add(device.device() + " before", OptionalLong.of(device.before()), device.whose());
            rows.add(
                    device.device() + " after",
                    OptionalLong.of(device.after()),
                    device.whose() + ", " + Bytes.formatSigned(device.added()));
        }
    }

    private static void held(Rows rows, List<Holder> holders, List<LiveArrays.Manager> open) {
        rows.group("Still held by");
        for (Holder holder : holders.stream().limit(HOLDERS).toList()) {
            rows.add(
                    holder.name(),
                    OptionalLong.of(holder.bytes()),
                    holder.type() + count(holder) + ": " + advice(holder));
        }
        if (holders.size() > HOLDERS) {
            rows.add(
                    Rows.count(holders.size() - HOLDERS, "more variable"),
                    OptionalLong.of(holders.stream()
                            .skip(HOLDERS)
                            .mapToLong(Holder::bytes)
                            .sum()),
                    "");
        }
        if (holders.size() > 1) {
            rows.note("What several variables reach is told at each of them.");
        }
        rows.group("NDArrays open");
        for (LiveArrays.Manager manager : open.stream().limit(MANAGERS).toList()) {
            rows.add(manager.label(), OptionalLong.of(manager.bytes()), Rows.count(manager.count(), "array"));
        }
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

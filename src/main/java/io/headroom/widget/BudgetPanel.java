package io.headroom.widget;

import io.headroom.budget.Device;
import io.headroom.budget.Estimate;
import io.headroom.budget.Solver;
import io.headroom.remedy.Plan;
import io.headroom.remedy.Plans;
import io.headroom.render.Bundle;
import io.headroom.render.EstimateView;
import io.headroom.render.Html;
import io.headroom.render.PlanView;
import io.headroom.render.ProbeView;
import io.headroom.training.Probe;
import io.headroom.training.StepRunner;
import io.headroom.units.Bytes;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * A workload under sliders: its estimate, beside a limit, follows each move.
 *
 * <p>Values that do not go together, such as heads that do not divide d_model, show why and keep the last estimate. The
 * panel starts from a workload and keeps whatever has no slider as it was. Any thread.
 *
 * <pre>{@code
 * BudgetPanel panel = BudgetPanel.of(step, Bytes.parse("9.07 GiB"));
 * kernel.display(panel.show(opener));
 * panel.workload();     // what the sliders say now, to run or estimate
 * }</pre>
 */
public final class BudgetPanel {
    private static final String CODE = "code";
    private static final String CUTS = "layers and operators";
    private final LongSupplier limit;
    private final String limitName;
    private final Panel panel;
    private final Measured measured;
    private volatile Workload base;
    private volatile Workload last;
    private volatile Plan plan;

    /** What stands in for an estimate. */
    private record Measured(Probe probe, String why) {}

    private BudgetPanel(Workload start, LongSupplier limit, String limitName) {
        this(start, limit, limitName, null);
    }

    private BudgetPanel(Workload start, LongSupplier limit, String limitName, Measured measured) {
        this.measured = measured;
        this.base = start.validate();
        this.limit = limit;
        this.limitName = limitName;
        this.last = start;
        String kind = start.architecture().name().toLowerCase(Locale.ROOT);
        this.panel = new Panel("memory budget: " + kind, WorkloadControls.of(start), this::view, buttons());
    }

    private List<Panel.Button> buttons() {
        List<Panel.Button> buttons = new ArrayList<>();
        buttons.add(largest("Largest batch that fits", Option.BATCH));
        if (base.has(Option.SEQ)) {
            buttons.add(largest("Longest sequence", Option.SEQ));
        }
        if (WorkloadControls.applies(base, Option.NODES)) {
            buttons.add(largest("Most nodes", Option.NODES));
        }
        if (base.has(Option.D_MODEL)) {
            buttons.add(largest("Widest model", Option.D_MODEL));
        }
        buttons.add(new Panel.Button(
                "Cheapest remedies",
                "sets the remedies that cost least in accuracy, risk and speed among those whose upper bound is within the "
                        + limitName,
                this::cheapest));
        buttons.add(toggle(
                "Layers and operators",
                "shows what of the peak each layer and each operator holds, or hides it",
                CUTS));
        buttons.add(toggle("Copy as code", "shows the cell that makes this workload, or hides it", CODE));
        return buttons;
    }

    private static Panel.Button toggle(String label, String help, String key) {
        return new Panel.Button(label, help, values -> values.with(key, !isOn(values, key)));
    }

    private static boolean isOn(Values values, String key) {
        return Boolean.TRUE.equals(values.all().get(key));
    }

    private Panel.Button largest(String label, Option option) {
        return new Panel.Button(
                label,
                "sets " + option.key() + " to the largest whose upper bound is within the " + limitName
                        + ", all else as it is",
                values -> largest(option, values));
    }

    /**
     * A panel beside a fixed limit, in bytes above the idle process or device.
     *
     * @throws IllegalArgumentException if the workload does not hold together, or the limit is not positive
     */
    public static BudgetPanel of(Workload workload, long limitBytes) {
        if (limitBytes <= 0) {
            throw new IllegalArgumentException("limit = " + limitBytes + " bytes: give a positive size, or none.");
        }
        return new BudgetPanel(workload, () -> limitBytes, "limit");
    }

    /**
     * A panel beside the head-room, asked for anew at each move, or what is usable of the device that the workload names.
     *
     * @param headroom in bytes; {@code Long.MAX_VALUE} where none is known
     */
    public static BudgetPanel of(Workload workload, LongSupplier headroom) {
        return of(workload, headroom, "head-room");
    }

    /** The same under another name than {@code "head-room"}. */
    public static BudgetPanel of(Workload workload, LongSupplier headroom, String name) {
        Device device = Device.named(workload.device());
        return device.usableBytes() == Long.MAX_VALUE
                ? new BudgetPanel(workload, headroom, name)
                : new BudgetPanel(workload, device::usableBytes, device.name());
    }

    /**
     * What a probe measured of a step that cannot be estimated, without sliders.
     *
     * @param why it was measured: the sentence above it
     */
    public static BudgetPanel of(Probe probe, String why) {
        return new BudgetPanel(probe.workload(), probe::roomBytes, "room", new Measured(probe, why));
    }

    /** What was measured, for a step that cannot be estimated; empty for all others. */
    public Optional<Probe> probe() {
        return Optional.ofNullable(measured).map(Measured::probe);
    }

    /** What the sliders say, or said when they last went together. */
    public Workload workload() {
        return last;
    }

    /**
     * The estimate of {@link #workload}.
     *
     * @throws IllegalArgumentException if it was measured, see {@link #probe}, since it cannot be estimated
     */
    public Estimate estimate() {
        return Estimate.of(last);
    }

    /** Opens the sliders, with the table to stand in where widgets are not available. */
    public Bundle show(Comm.Opener opener) {
        if (measured != null) {
            return table();
        }
        Bundle bundle = panel.show(opener, table());
        Thread ready = new Thread(this::prepare, "headroom-budget");
        ready.setDaemon(true);
        ready.start();
        return bundle;
    }

    /** Loads what the buttons need while the person looks at the panel: a first search takes ten times as long as the next. */
    private void prepare() {
        try {
            Plans.cheapest(last, Math.max(1, estimate().upperBytes() / 2));
        } catch (Throwable unanswered) {
            // The button will say it.
        }
    }

    /** The same without sliders: a complete, static table. */
    public Bundle table() {
        return measured != null
                ? ProbeView.of(measured.probe(), measured.why())
                : EstimateView.withFormula(estimate(), limit.getAsLong(), limitName);
    }

    @Override
    public String toString() {
        return table().plain();
    }

    private String view(Values values) {
        Workload workload = WorkloadControls.read(base, values);
        Estimate estimate = Estimate.of(workload);
        String html = EstimateView.html(estimate, limit.getAsLong(), limitName, true) + notRun(workload);
        last = workload;
        Plan found = plan;
        if (found != null && found.workload().equals(workload)) {
            html = "<details style=\"margin:6px 0\"><summary>" + Html.escape(found.title() + " · " + found.cost())
                    + "</summary>" + PlanView.of(found).data().get(Bundle.HTML) + "</details>" + html;
        }
        if (isOn(values, CUTS)) {
            html += EstimateView.layersAndOperators(estimate);
        }
        return isOn(values, CODE) ? html + code(workload) : html;
    }

    private static String notRun(Workload workload) {
        if (!workload.device().equals("cpu")) {
            return "";
        }
        return StepRunner.obstacle(workload)
                .map(why -> "<div style=\"color:var(--jp-ui-font-color2,#616161)\">DJL cannot run this step here. "
                        + Html.escape(why) + "</div>")
                .orElse("");
    }

    private static String code(Workload workload) {
        return "<div style=\"margin:6px 0\"><button onclick=\"" + Html.escape(Controls.script("copy.js"))
                + "\">Copy</button><pre tabindex=\"0\" aria-label=\"the code\" style=\"white-space:pre-wrap;user-select:all;margin:4px 0\">"
                + Html.escape(WorkloadCode.of(workload)) + "</pre></div>";
    }

    private Values largest(Option option, Values values) {
        long room = room();
        Workload workload = WorkloadControls.read(base, values);
        OptionalLong largest = Solver.largest(workload, option, room);
        if (largest.isEmpty()) {
            long least = Solver.smallest(workload, option);
            throw new IllegalStateException("not even " + option.key() + " " + least + " fits " + Bytes.format(room)
                    + ": it needs "
                    + Bytes.format(Estimate.of(workload.with(option, least)).upperBytes())
                    + (workload.isOwnBlock()
                            ? ". Try the cheapest remedies, freeze layers, or give the block a smaller input."
                            : ". Make the other sizes smaller, or try checkpointing or the cheapest remedies."));
        }
        return values.with(option.key(), largest.getAsLong());
    }

    private Values cheapest(Values values) {
        long room = room();
        Workload workload = WorkloadControls.read(base, values);
        Plan found = Plans.cheapest(workload, room).orElseThrow(() -> {
            Plan smallest = Plans.smallest(workload);
            return new IllegalStateException("no set of remedies fits " + Bytes.format(room) + "; the smallest is "
                    + smallest + ". "
                    + (workload.isOwnBlock()
                            ? "Freeze layers, or give the block a smaller input."
                            : "Make the model smaller."));
        });
        plan = found;
        base = found.workload();
        return WorkloadControls.values(values, found.workload());
    }

    private long room() {
        long room = limit.getAsLong();
        if (room == Long.MAX_VALUE) {
            throw new IllegalStateException("no limit is known here; set one with limit(\"…\").");
        }
        if (room <= 0) {
            throw new IllegalStateException("the " + limitName + " is used up: release a model, or raise the limit.");
        }
        return room;
    }
}

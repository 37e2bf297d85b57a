package io.headroom.widget;

import io.headroom.budget.Estimate;
import io.headroom.budget.Solver;
import io.headroom.render.Bundle;
import io.headroom.render.Html;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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
    private static final List<Option> SLIDERS = List.of(
            Option.BATCH,
            Option.NODES,
            Option.SEQ,
            Option.HEADS,
            Option.D_MODEL,
            Option.LAYERS,
            Option.FF,
            Option.FEATURES,
            Option.IMAGE,
            Option.OUTPUTS,
            Option.ACCUMULATION);
    private static final List<Option> CHOICES = List.of(Option.PRECISION, Option.OPTIMIZER, Option.ATTENTION);

    private final Workload start;
    private final LongSupplier limit;
    private final String limitName;
    private final Panel panel;
    private volatile Workload last;

    private BudgetPanel(Workload start, LongSupplier limit, String limitName) {
        this.start = start.validate();
        this.limit = limit;
        this.limitName = limitName;
        this.last = start;
        this.panel = new Panel(
                controls(start),
                this::view,
                List.of(
                        new Panel.Button(
                                "Largest batch that fits",
                                "sets the batch to the largest whose upper bound is within the " + limitName,
                                this::largestBatch),
                        new Panel.Button(
                                "Copy as code",
                                "shows the cell that makes this workload, or hides it",
                                values -> values.with(
                                        CODE, !Boolean.TRUE.equals(values.all().get(CODE))))));
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
     * A panel beside the head-room, asked for anew at each move.
     *
     * @param headroom in bytes; {@code Long.MAX_VALUE} where none is known
     */
    public static BudgetPanel of(Workload workload, LongSupplier headroom) {
        return new BudgetPanel(workload, headroom, "head-room");
    }

    /** What the sliders say, or said when they last went together. */
    public Workload workload() {
        return last;
    }

    /** The estimate of {@link #workload}. */
    public Estimate estimate() {
        return Estimate.of(last);
    }

    /** Opens the sliders, with the table to stand in where widgets are not available. */
    public Bundle show(Comm.Opener opener) {
        return panel.show(opener, table());
    }

    /** The same without sliders: a complete, static table. */
    public Bundle table() {
        Estimate estimate = estimate();
        long room = limit.getAsLong();
        return Bundle.text(last + "\n" + BudgetView.line(estimate, room, limitName))
                .html("<div><code>" + Html.escape(last.toString()) + "</code></div>"
                        + BudgetView.html(estimate, room, limitName));
    }

    @Override
    public String toString() {
        return table().plain();
    }

    private String view(Values values) {
        Workload workload = read(values);
        String html = BudgetView.html(Estimate.of(workload), limit.getAsLong(), limitName);
        last = workload;
        return Boolean.TRUE.equals(values.all().get(CODE)) ? html + code(workload) : html;
    }

    private static String code(Workload workload) {
        return "<div style=\"margin:6px 0\"><button onclick=\"navigator.clipboard.writeText("
                + "this.nextElementSibling.textContent);this.textContent='Copied'\">Copy</button>"
                + "<pre style=\"white-space:pre-wrap;user-select:all;margin:4px 0\">"
                + Html.escape(WorkloadCode.of(workload)) + "</pre></div>";
    }

    private Values largestBatch(Values values) {
        long room = limit.getAsLong();
        if (room == Long.MAX_VALUE) {
            throw new IllegalStateException("no limit is known here; set one with limit(\"…\").");
        }
        Workload workload = read(values);
        OptionalLong batch = Solver.largestBatch(workload, room);
        if (batch.isEmpty()) {
            throw new IllegalStateException("not even batch 1 fits " + Bytes.format(room) + ": it needs "
                    + Bytes.format(
                            Estimate.of(workload.accumulation(1).batch(1)).upperBytes())
                    + ". Make seq, nodes or layers smaller, or try checkpointing.");
        }
        return values.with(Option.BATCH.key(), batch.getAsLong());
    }

    private Workload read(Values values) {
        Workload workload = start;
        for (Option option : SLIDERS) {
            workload = set(workload, option, values);
        }
        for (Option option : CHOICES) {
            workload = set(workload, option, values);
        }
        boolean wanted = values.flag(Option.CHECKPOINTING.key());
        long segments =
                start.checkpointing() > 0 ? Math.min(start.checkpointing(), workload.layers()) : workload.layers();
        if (wanted || workload.checkpointing() > 0) {
            workload = workload.checkpointing(wanted ? segments : 0);
        }
        return workload.validate();
    }

    private static Workload set(Workload workload, Option option, Values values) {
        Object value = values.all().get(option.key());
        return value == null || value.equals(plain(workload.get(option))) ? workload : workload.with(option, value);
    }

    private static Object plain(Object value) {
        return value instanceof Enum<?> choice ? choice.name().toLowerCase(Locale.ROOT) : value;
    }

    private static List<Control> controls(Workload workload) {
        List<Control> controls = new ArrayList<>();
        for (Option option : SLIDERS) {
            if (applies(workload, option)) {
                controls.add(slider(option, workload.number(option)));
            }
        }
        for (Option option : CHOICES) {
            if (workload.architecture().has(option)) {
                controls.add(new Control.Choice(option.key(), option.key(), option.meaning(), option.choices(), (String)
                        plain(workload.get(option))));
            }
        }
        controls.add(new Control.Check(
                Option.CHECKPOINTING.key(),
                Option.CHECKPOINTING.key(),
                "gradient checkpointing: keep only each layer's input, compute the rest again in the backward pass",
                workload.checkpointing() > 0));
        return controls;
    }

    private static boolean applies(Workload workload, Option option) {
        boolean merged = workload.architecture() == Architecture.TRANSFORMER || workload.nodes() > 1;
        return workload.architecture().has(option)
                && (option != Option.NODES || merged)
                && (option != Option.OUTPUTS || workload.architecture() != Architecture.TRANSFORMER);
    }

    private static Control slider(Option option, long value) {
        long reach =
                switch (option) {
                    case BATCH -> 256;
                    case NODES, HEADS, ACCUMULATION -> 32;
                    case SEQ -> 1024;
                    case LAYERS -> 24;
                    case D_MODEL -> 2048;
                    case FF -> 8192;
                    case IMAGE -> 512;
                    default -> 256;
                };
        long step =
                switch (option) {
                    case D_MODEL -> gcd(16, value);
                    case FF -> gcd(64, value);
                    default -> 1;
                };
        long least = option == Option.FEATURES ? 0 : step;
        long most = Math.max(reach, value > Long.MAX_VALUE / 4 ? value : 4 * value);
        return new Control.Slider(option.key(), option.key(), option.meaning(), least, most, step, value);
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}

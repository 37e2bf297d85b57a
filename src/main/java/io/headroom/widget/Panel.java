package io.headroom.widget;

import io.headroom.render.Bundle;
import io.headroom.render.Html;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Controls and a view that follows them, alive in the notebook for as long as the kernel is.
 *
 * <p>A change by a person sets the {@link Values}, and the view is computed anew on the kernel's thread: keep it well
 * under 100 ms. A view or a button that throws shows its message above the last good view, which stays. Panels know
 * nothing of each other. {@link #show} and {@link #values} may be called from any thread.
 *
 * <pre>{@code
 * Panel panel = new Panel(
 *         "a panel",
 *         List.of(new Control.Slider("batch", "batch", "samples in a step", 1, 64, 1, 8)),
 *         values -> "<b>" + values.number("batch") + "</b>",
 *         List.of(new Panel.Button("one", "back to one", values -> values.with("batch", 1L))));
 * kernel.display(panel.show(opener, Bundle.text("batch 8")));
 * }</pre>
 */
public final class Panel {
    private static final int COLUMN = 5;

    private final String name;
    private final List<Control> controls;
    private final Function<Values, String> view;
    private final List<Button> buttons;
    private final List<Binding> bindings = new ArrayList<>();
    private Values values;
    private String lastGood = "";
    private Widget output;
    private Widget box;

    /**
     * A button under the controls.
     *
     * @param action from the values to the values it sets; what it throws is shown
     */
    public record Button(String label, String help, Function<Values, Values> action) {}

    /**
     * @param name what a screen reader calls it
     * @param controls in the order they are shown
     * @param view from the values to HTML
     * @param buttons in the order they are shown
     */
    public Panel(String name, List<Control> controls, Function<Values, String> view, List<Button> buttons) {
        this.name = Objects.requireNonNull(name, "name");
        this.controls = List.copyOf(controls);
        this.view = Objects.requireNonNull(view, "view");
        this.buttons = List.copyOf(buttons);
        Map<String, Object> initial = new LinkedHashMap<>();
        controls.forEach(control -> initial.put(control.key(), control.initial()));
        this.values = new Values(initial);
    }

    /** What the controls are set to now. */
    public synchronized Values values() {
        return values;
    }

    /**
     * Opens the panel at the first call; each call gives the bundle that shows it.
     *
     * @param instead what stands in where widgets are not available
     */
    public synchronized Bundle show(Comm.Opener opener, Bundle instead) {
        if (box == null || !box.isOpen()) {
            open(new Controls(Widgets.of(opener)));
        }
        return Controls.view(box, instead);
    }

    /** Sets controls from code, as a person would, and follows. */
    public synchronized void set(Values wanted) {
        values = wanted;
        move();
        refresh();
    }

    private void open(Controls factory) {
        bindings.clear();
        for (Control control : controls) {
            Binding binding = Binding.open(control, factory);
            binding.widget().onChange(state -> changed(binding, state));
            bindings.add(binding);
        }
        move();
        List<Widget> columns = new ArrayList<>();
        for (int from = 0; from < bindings.size(); from += COLUMN) {
            columns.add(factory.vBox(bindings.subList(from, Math.min(from + COLUMN, bindings.size())).stream()
                    .map(Binding::widget)
                    .toArray(Widget[]::new)));
        }
        List<Widget> actions = new ArrayList<>();
        for (Button button : buttons) {
            Widget widget = factory.button(button.label(), button.help());
            widget.onClick(() -> clicked(button));
            actions.add(widget);
        }
        Widget restarted = factory.restartedLine();
        output = factory.html(render());
        box = factory.vBox(
                restarted,
                factory.hBox(columns.toArray(Widget[]::new)),
                factory.hBox(actions.toArray(Widget[]::new)),
                output,
                factory.mended(
                        name,
                        controls.stream()
                                .filter(Control.Slider.class::isInstance)
                                .count()));
    }

    private void move() {
        bindings.forEach(
                binding -> binding.move(values.all().get(binding.control().key())));
    }

    private synchronized void changed(Binding binding, Object state) {
        String key = binding.control().key();
        Object value = binding.value(state);
        if (value != null && !value.equals(values.all().get(key))) {
            values = values.with(key, value);
            refresh();
        }
    }

    private synchronized void clicked(Button button) {
        try {
            set(button.action().apply(values));
        } catch (Throwable failed) {
            if (output != null) {
                output.set("value", message(failed) + lastGood);
            }
        }
    }

    private void refresh() {
        if (output != null) {
            output.set("value", render());
        }
    }

    private String render() {
        try {
            lastGood = view.apply(values);
            return lastGood;
        } catch (Throwable failed) {
            return message(failed) + lastGood;
        }
    }

    private static String message(Throwable failed) {
        String text = failed.getMessage() == null ? failed.toString() : failed.getMessage();
        return "<div role=\"alert\" style=\"border-left:4px solid #d62728;padding:4px 8px;margin:4px 0;"
                + "background:rgba(214,39,40,0.12)\"><b>Not possible:</b> " + Html.escape(text) + "</div>";
    }
}

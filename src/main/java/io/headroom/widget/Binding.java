package io.headroom.widget;

import io.headroom.widget.Control.Check;
import io.headroom.widget.Control.Choice;
import io.headroom.widget.Control.Slider;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** A control and the widget that stands for it. */
final class Binding {
    private final Control control;
    private final Widget widget;
    private final Function<Object, Object> read;
    private final BiConsumer<Widget, Object> write;

    private Binding(Control control, Widget widget, Function<Object, Object> read, BiConsumer<Widget, Object> write) {
        this.control = control;
        this.widget = widget;
        this.read = read;
        this.write = write;
    }

    static Binding open(Control control, Controls factory) {
        if (control instanceof Slider it) {
            return new Binding(
                    it,
                    factory.intSlider(it.label(), it.help(), it.min(), it.max(), it.step(), it.start()),
                    state -> state instanceof Number number ? (Object) number.longValue() : null,
                    Binding::slide);
        }
        if (control instanceof Choice it) {
            return new Binding(
                    it,
                    factory.dropdown(it.label(), it.help(), it.options(), it.start()),
                    state -> state instanceof Number at
                                    && at.intValue() >= 0
                                    && at.intValue() < it.options().size()
                            ? it.options().get(at.intValue())
                            : null,
                    (widget, value) -> widget.set("index", it.options().indexOf((String) value)));
        }
        Check it = (Check) control;
        return new Binding(
                it,
                factory.checkbox(it.label(), it.help(), it.start()),
                state -> state instanceof Boolean ? state : null,
                (widget, value) -> widget.set("value", value));
    }

    private static void slide(Widget widget, Object value) {
        long number = (Long) value;
        reach(widget, number);
        if (widget.get("max") instanceof Number max && number > max.longValue()) {
            widget.set("max", number);
        }
        if (widget.get("min") instanceof Number min && number < min.longValue()) {
            widget.set("min", number);
        }
        widget.set("value", number);
    }

    /** A front end rounds to whole steps from the least value and sends that back as if a person had moved the slider. */
    private static void reach(Widget widget, long number) {
        if (widget.get("step") instanceof Number step && widget.get("min") instanceof Number min) {
            long least = Math.min(min.longValue(), number);
            long finer = WorkloadControls.gcd(
                    step.longValue(), WorkloadControls.gcd(number - least, min.longValue() - least));
            if (finer != step.longValue()) {
                widget.set("step", finer);
            }
        }
    }

    Control control() {
        return control;
    }

    Widget widget() {
        return widget;
    }

    /** The value a browser's state stands for, or null if it stands for none. */
    Object value(Object state) {
        return read.apply(state);
    }

    /** Moves the widget to a value, widening a slider whose range ends before it and refining one whose steps pass it by. */
    void move(Object value) {
        write.accept(widget, value);
    }
}

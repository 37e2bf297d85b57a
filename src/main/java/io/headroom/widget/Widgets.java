package io.headroom.widget;

import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The widgets of one kernel: opens them, keeps their state, and tells it to a browser that comes later.
 *
 * <p>Speaks the ipywidgets message protocol 2.1: comm target {@code jupyter.widget}, and {@code jupyter.widget.control}
 * by which a reloaded page or a second browser asks for every state at once. Any thread.
 *
 * @see <a href="https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md">messages.md</a>
 */
final class Widgets {
    private static final Map<Comm.Opener, Widgets> BY_KERNEL = new IdentityHashMap<>();
    private static final Map<String, Object> VERSION = Map.of("version", "2.1.0");

    private final Comm.Opener opener;
    private final Map<String, Widget> open = new LinkedHashMap<>();

    private Widgets(Comm.Opener opener) {
        this.opener = opener;
        opener.accept("jupyter.widget.control", this::control);
    }

    static Widgets of(Comm.Opener opener) {
        synchronized (BY_KERNEL) {
            return BY_KERNEL.computeIfAbsent(opener, Widgets::new);
        }
    }

    /** Opens a widget in every browser that shows the notebook. */
    Widget open(String module, String model, String view, Map<String, Object> values) {
        Map<String, Object> state = new LinkedHashMap<>();
        String version = module.endsWith("/output") ? "1.0.0" : "2.0.0";
        state.put("_model_module", module);
        state.put("_model_module_version", version);
        state.put("_model_name", model);
        state.put("_view_module", module);
        state.put("_view_module_version", version);
        state.put("_view_name", view);
        state.putAll(values);
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("state", state);
        data.put("buffer_paths", List.of());
        Widget widget = new Widget(state, this::forget);
        widget.attach(opener.open("jupyter.widget", VERSION, data, widget));
        synchronized (open) {
            open.put(widget.id(), widget);
        }
        return widget;
    }

    private void forget(Widget widget) {
        synchronized (open) {
            open.remove(widget.id());
        }
    }

    private void control(Comm comm, Map<String, Object> message) {
        if ("request_states".equals(message.get("method"))) {
            Map<String, Object> states = new LinkedHashMap<>();
            synchronized (open) {
                open.forEach((id, widget) -> states.put(id, widget.described()));
            }
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("method", "update_states");
            answer.put("states", states);
            answer.put("buffer_paths", List.of());
            comm.send(answer);
        }
    }
}

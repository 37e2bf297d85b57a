package io.headroom.widget;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * One ipywidgets model: its state here, its likeness in each browser.
 *
 * <p>{@link #set} may be called from any thread, a cell running or not; listeners run on the kernel's thread.
 */
final class Widget implements Comm.Listener {
    private final Map<String, Object> state;
    private final Consumer<Widget> forget;
    private final List<Consumer<Object>> changes = new CopyOnWriteArrayList<>();
    private final List<Runnable> clicks = new CopyOnWriteArrayList<>();
    private String id;
    private volatile Comm comm;

    Widget(Map<String, Object> state, Consumer<Widget> forget) {
        this.state = new LinkedHashMap<>(state);
        this.forget = forget;
    }

    void attach(Comm opened) {
        id = opened.id();
        comm = opened;
    }

    String id() {
        return id;
    }

    /** How another widget's state names this one. */
    String reference() {
        return "IPY_MODEL_" + id;
    }

    boolean isOpen() {
        return comm != null;
    }

    Object get(String key) {
        synchronized (state) {
            return state.get(key);
        }
    }

    /** Changes values here and in every browser; those that are as they were are not sent. */
    void set(Map<String, Object> values) {
        Map<String, Object> changed = new LinkedHashMap<>();
        synchronized (state) {
            values.forEach((key, value) -> {
                if (!Objects.equals(state.put(key, value), value)) {
                    changed.put(key, value);
                }
            });
            // Sent under the lock, so that browsers see changes in the order they were made.
            if (!changed.isEmpty()) {
                send("update", changed);
            }
        }
    }

    void set(String key, Object value) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put(key, value);
        set(one);
    }

    /** Calls back with the new {@code value} when a person changes it. */
    void onChange(Consumer<Object> listener) {
        changes.add(listener);
    }

    /** Calls back when a person clicks. */
    void onClick(Runnable listener) {
        clicks.add(listener);
    }

    void close() {
        Comm open = comm;
        if (open != null) {
            open.close();
        }
    }

    /** What {@code update_states} says of a widget. */
    Map<String, Object> described() {
        Map<String, Object> described = new LinkedHashMap<>();
        synchronized (state) {
            described.put("model_name", state.get("_model_name"));
            described.put("model_module", state.get("_model_module"));
            described.put("model_module_version", state.get("_model_module_version"));
            described.put("state", new LinkedHashMap<>(state));
        }
        return described;
    }

    @Override
    public void onMessage(Comm from, Map<String, Object> data) {
        switch (String.valueOf(data.get("method"))) {
            case "update" -> update(data.get("state"));
            case "request_state" -> send("update", copy());
            case "custom" -> {
                if (data.get("content") instanceof Map<?, ?> content && "click".equals(content.get("event"))) {
                    clicks.forEach(Runnable::run);
                }
            }
            default -> {
                // A method of a later protocol: the widget stays as it is.
            }
        }
    }

    @Override
    public void onClose(Comm from) {
        comm = null;
        forget.accept(this);
    }

    private void update(Object sent) {
        if (!(sent instanceof Map<?, ?> values)) {
            return;
        }
        Map<String, Object> known = new LinkedHashMap<>();
        synchronized (state) {
            values.forEach((key, value) -> {
                if (state.containsKey(key)) {
                    known.put((String) key, value);
                    state.put((String) key, value);
                }
            });
        }
        // The echo carries the change to every other browser; the one it came from knows it by the message's parent.
        send("echo_update", known);
        for (String key : List.of("value", "index")) {
            if (known.containsKey(key)) {
                changes.forEach(listener -> listener.accept(known.get(key)));
            }
        }
    }

    private Map<String, Object> copy() {
        synchronized (state) {
            return new LinkedHashMap<>(state);
        }
    }

    private void send(String method, Map<String, Object> values) {
        Comm open = comm;
        if (open != null) {
            Map<String, Object> message = new LinkedHashMap<>();
            message.put("method", method);
            message.put("state", values);
            message.put("buffer_paths", new ArrayList<>());
            open.send(message);
        }
    }
}

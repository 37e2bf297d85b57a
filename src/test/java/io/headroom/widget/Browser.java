package io.headroom.widget;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A front end on the other side of the comms: it keeps each model's state as a browser would, and can answer. */
final class Browser implements Comm.Opener {
    final Map<String, Map<String, Object>> models = new LinkedHashMap<>();
    final List<Map<String, Object>> received = new ArrayList<>();
    private final Map<String, Comm.Listener> listeners = new LinkedHashMap<>();
    private final Map<String, Comm> comms = new LinkedHashMap<>();
    private final Map<String, Comm.Listener> targets = new LinkedHashMap<>();

    @Override
    public Comm open(String target, Map<String, Object> metadata, Map<String, Object> data, Comm.Listener listener) {
        String id = UUID.randomUUID().toString();
        if (!target.equals("jupyter.widget") || !"2.1.0".equals(metadata.get("version"))) {
            throw new AssertionError("no ipywidgets model: " + target + " " + metadata);
        }
        models.put(id, new LinkedHashMap<>(state(data)));
        listeners.put(id, listener);
        Comm comm = comm(id);
        comms.put(id, comm);
        return comm;
    }

    @Override
    public void accept(String target, Comm.Listener listener) {
        targets.put(target, listener);
    }

    /** Moves a control as a person does. */
    void change(String model, String key, Object value) {
        Map<String, Object> state = new LinkedHashMap<>();
        state.put(key, value);
        tell(model, Map.of("method", "update", "state", state, "buffer_paths", List.of()));
    }

    void click(String model) {
        tell(model, Map.of("method", "custom", "content", Map.of("event", "click")));
    }

    void tell(String model, Map<String, Object> message) {
        listeners.get(model).onMessage(comms.get(model), message);
    }

    void close(String model) {
        listeners.get(model).onClose(comms.get(model));
    }

    /** What a reloaded page does; gives the states it is told. */
    Map<?, ?> reload() {
        received.clear();
        targets.get("jupyter.widget.control").onMessage(comm("control"), Map.of("method", "request_states"));
        return (Map<?, ?>) received.get(0).get("states");
    }

    /** The ids of the models of a kind, in the order they were opened. */
    List<String> all(String model) {
        return models.entrySet().stream()
                .filter(entry -> model.equals(entry.getValue().get("_model_name")))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** The model with that description. */
    String named(String description) {
        return models.entrySet().stream()
                .filter(entry -> description.equals(entry.getValue().get("description")))
                .map(Map.Entry::getKey)
                .reduce((first, second) -> second)
                .orElseThrow();
    }

    /** What the panel opened last shows under its controls: the HTML above the slider's names. */
    String view() {
        List<String> html = all("HTMLModel");
        return (String) models.get(html.get(html.size() - 2)).get("value");
    }

    private Comm comm(String id) {
        return new Comm() {
            @Override
            public String id() {
                return id;
            }

            @Override
            public void send(Map<String, Object> data) {
                received.add(data);
                if (models.containsKey(id) && String.valueOf(data.get("method")).endsWith("update")) {
                    models.get(id).putAll(state(data));
                }
            }

            @Override
            public void close() {
                listeners.get(id).onClose(this);
            }
        };
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> state(Map<String, Object> data) {
        return (Map<String, Object>) data.get("state");
    }
}

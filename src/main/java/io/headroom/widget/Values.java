package io.headroom.widget;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a panel's controls are set to, by key. Immutable. */
public record Values(Map<String, Object> all) {
    public Values {
        all = Collections.unmodifiableMap(new LinkedHashMap<>(all));
    }

    /** A slider's whole number. */
    public long number(String key) {
        return (Long) value(key);
    }

    /** A choice's word. */
    public String word(String key) {
        return (String) value(key);
    }

    /** Whether a check box is ticked. */
    public boolean flag(String key) {
        return (Boolean) value(key);
    }

    /** The same with one value changed. */
    public Values with(String key, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(all);
        more.put(key, value);
        return new Values(more);
    }

    private Object value(String key) {
        Object value = all.get(key);
        if (value == null) {
            throw new IllegalArgumentException("no control \"" + key + "\" among " + all.keySet());
        }
        return value;
    }
}

package io.headroom.render;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a notebook shows for one value: MIME type to content, {@code text/plain} always among them.
 *
 * <p>Content is a {@code String}, or for JSON types a {@code Map}/{@code List} of plain values (never a JSON library's
 * type: kernels carry their own copy). Immutable.
 *
 * <pre>{@code
 * Bundle.text("1.20 GiB").html("<b>1.20 GiB</b>");
 * }</pre>
 */
public record Bundle(Map<String, Object> data) {
    public static final String TEXT = "text/plain";
    public static final String HTML = "text/html";

    public Bundle {
        if (!data.containsKey(TEXT)) {
            throw new IllegalArgumentException("a bundle without text/plain: " + data.keySet());
        }
        data = Collections.unmodifiableMap(new LinkedHashMap<>(data));
    }

    /** Starts a bundle from its plain text. */
    public static Bundle text(String text) {
        return new Bundle(Map.of(TEXT, text));
    }

    /** Adds HTML that must survive JupyterLab's sanitizer: no script, style element, svg or iframe. */
    public Bundle html(String html) {
        return with(HTML, html);
    }

    /** Adds or replaces one MIME type. */
    public Bundle with(String mimeType, Object content) {
        Map<String, Object> more = new LinkedHashMap<>(data);
        more.put(mimeType, content);
        return new Bundle(more);
    }

    /** The plain text. */
    public String plain() {
        return (String) data.get(TEXT);
    }
}

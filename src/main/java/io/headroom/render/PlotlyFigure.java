package io.headroom.render;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tech.tablesaw.plotly.components.Figure;

/**
 * A jsplot figure as JupyterLab draws it offline: {@code application/vnd.plotly.v1+json}, with text where there is no
 * renderer for it.
 *
 * <p>jsplot writes JavaScript for a page that has Plotly; JupyterLab wants the same as JSON. The object literals are
 * read leniently, and string titles become {@code {text: …}}, which newer Plotly asks for. No {@code text/html} stands
 * beside it: JupyterLab would show that instead.
 *
 * <pre>{@code
 * Bundle bundle = PlotlyFigure.bundle(figure, "memory, 12 readings");
 * }</pre>
 */
public final class PlotlyFigure {
    /** The MIME type of JupyterLab's Plotly extension. */
    public static final String MIME = "application/vnd.plotly.v1+json";

    private static final Pattern VARIABLE = Pattern.compile("(?m)^\\s*var (layout|config|trace[0-9]+)\\s*=\\s*");
    private static final ObjectReader LENIENT = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_UNQUOTED_FIELD_NAMES)
            .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
            .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build()
            .readerFor(new TypeReference<Map<String, Object>>() {});

    private PlotlyFigure() {}

    /** The figure as a bundle. */
    public static Bundle bundle(Figure figure, String text) {
        return Bundle.text(text).with(MIME, json(figure));
    }

    /**
     * The figure as Plotly's JSON: {@code data}, {@code layout}, {@code config}; plain maps and lists, mutable.
     *
     * @throws IllegalArgumentException if jsplot wrote what cannot be read, as it does for text with quotes in it
     */
    public static Map<String, Object> json(Figure figure) {
        String script = figure.asJavascript("figure");
        List<Object> data = new ArrayList<>();
        Map<String, Object> layout = new LinkedHashMap<>();
        Map<String, Object> config = new LinkedHashMap<>();
        Matcher variable = VARIABLE.matcher(script);
        while (variable.find()) {
            Map<String, Object> value = read(script.substring(variable.end()));
            switch (variable.group(1)) {
                case "layout" -> layout.putAll(value);
                case "config" -> config.putAll(value);
                default -> data.add(numbers(value));
            }
        }
        titles(layout);
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("data", data);
        json.put("layout", layout);
        json.put("config", config);
        return json;
    }

    /** jsplot quotes the numbers of a series; as text Plotly would take them for categories where it cannot tell. */
    private static Map<String, Object> numbers(Map<String, Object> trace) {
        for (String axis : List.of("x", "y", "z")) {
            if (trace.get(axis) instanceof List<?> values && values.stream().allMatch(PlotlyFigure::isNumber)) {
                trace.put(
                        axis,
                        values.stream()
                                .map(value -> Double.valueOf(String.valueOf(value)))
                                .toList());
            }
        }
        return trace;
    }

    private static boolean isNumber(Object value) {
        return value instanceof Number
                || value instanceof String text && text.matches("-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?");
    }

    private static Map<String, Object> read(String literal) {
        try {
            return LENIENT.readValue(literal);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "This figure cannot be shown offline: its text holds quotes or code that do not read as data.", e);
        }
    }

    @SuppressWarnings("unchecked")
    private static void titles(Map<String, Object> part) {
        if (part.get("title") instanceof String title) {
            part.put("title", new LinkedHashMap<>(Map.of("text", title)));
        }
        part.forEach((name, value) -> {
            if (name.contains("axis") && value instanceof Map<?, ?> axis) {
                titles((Map<String, Object>) axis);
            }
        });
    }
}

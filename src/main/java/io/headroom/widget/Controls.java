package io.headroom.widget;

import io.headroom.render.Bundle;
import io.headroom.render.Html;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The models of {@code @jupyter-widgets/controls} 2.0 that the panels are made of.
 *
 * <p>Only what differs from the browser's own defaults is sent. Layouts and styles are shared within one instance.
 *
 * @see <a href="https://github.com/jupyter-widgets/ipywidgets/tree/main/packages/schema">jupyterwidgetmodels</a>
 */
final class Controls {
    private static final String CONTROLS = "@jupyter-widgets/controls";
    private static final String BASE = "@jupyter-widgets/base";

    private final Widgets widgets;
    private final Map<List<Object>, Widget> shared = new LinkedHashMap<>();

    Controls(Widgets widgets) {
        this.widgets = widgets;
    }

    Widget intSlider(String label, String tooltip, long min, long max, long step, long value) {
        Map<String, Object> state = described(label, tooltip, "SliderStyleModel");
        state.put("min", min);
        state.put("max", max);
        state.put("step", step);
        state.put("value", value);
        state.put("continuous_update", true);
        state.put("readout", true);
        state.put("readout_format", "d");
        state.put("orientation", "horizontal");
        state.put("behavior", "drag-tap");
        return control("IntSlider", state);
    }

    Widget floatSlider(String label, String tooltip, double min, double max, double step, double value) {
        Map<String, Object> state = described(label, tooltip, "SliderStyleModel");
        state.put("min", min);
        state.put("max", max);
        state.put("step", step);
        state.put("value", value);
        state.put("continuous_update", true);
        state.put("readout", true);
        state.put("readout_format", ".2f");
        state.put("orientation", "horizontal");
        state.put("behavior", "drag-tap");
        return control("FloatSlider", state);
    }

    Widget dropdown(String label, String tooltip, List<String> options, String value) {
        Map<String, Object> state = described(label, tooltip, "DescriptionStyleModel");
        state.put("_options_labels", options);
        state.put("index", options.indexOf(value));
        return control("Dropdown", state);
    }

    Widget selectionSlider(String label, String tooltip, List<String> options, String value) {
        Map<String, Object> state = described(label, tooltip, "DescriptionStyleModel");
        state.put("_options_labels", options);
        state.put("index", options.indexOf(value));
        state.put("continuous_update", true);
        state.put("readout", true);
        state.put("orientation", "horizontal");
        return control("SelectionSlider", state);
    }

    Widget checkbox(String label, String tooltip, boolean value) {
        Map<String, Object> state = described(label, tooltip, "CheckboxStyleModel");
        state.put("value", value);
        state.put("indent", true);
        return control("Checkbox", state);
    }

    Widget button(String label, String tooltip) {
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("description", label);
        state.put("tooltip", tooltip);
        state.put("disabled", false);
        state.put("button_style", "");
        state.put("icon", "");
        state.put("style", style("ButtonStyleModel").reference());
        state.put("layout", layout(Map.of("width", "auto")).reference());
        return control("Button", state);
    }

    Widget html(String value) {
        Map<String, Object> state = described("", null, "HTMLStyleModel");
        state.put("value", value);
        state.put("placeholder", "");
        state.put("layout", layout(Map.of("width", "auto")).reference());
        return control("HTML", state);
    }

    /**
     * Makes a panel usable by keyboard and screen reader, where the front end's own views are not: names the sliders, keeps the
     * notebook's shortcuts away, takes a typed number on Tab, announces the verdict.
     *
     * <p>Where a page allows no inline handlers nothing happens.
     */
    Widget mended(String name, long sliders) {
        String quoted = "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'";
        String script =
                script("panel.js").replace("SLIDERS", String.valueOf(sliders)).replace("NAME", quoted);
        return html("<img alt=\"\" src=\"data:,\" style=\"display:none\" onerror=\"" + Html.escape(script) + "\"/>");
    }

    /** A script of this package, for an inline handler: {@code this} is the element it stands on. */
    static String script(String file) {
        try (InputStream in = Controls.class.getResourceAsStream(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** What shows where the focus is, and a line that is seen once the kernel that the widgets belong to is gone. */
    Widget restartedLine() {
        return html("<style>.headroom-restarted{display:none}"
                + ".jupyter-widgets-disconnected .headroom-restarted{display:block}"
                + "[data-headroom] :focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2)!important}</style>"
                + "<div class=\"headroom-restarted\" role=\"alert\" style=\"border-left:4px solid #ff9d00;padding:4px 8px\">"
                + "The kernel was restarted: this is what the panel showed last. Run the cell again to move it.</div>");
    }

    Widget label(String value) {
        Map<String, Object> state = described("", null, "LabelStyleModel");
        state.put("value", value);
        state.put("placeholder", "");
        return control("Label", state);
    }

    Widget floatProgress(String label, double min, double max, double value) {
        Map<String, Object> state = described(label, null, "ProgressStyleModel");
        state.put("min", min);
        state.put("max", max);
        state.put("value", value);
        state.put("bar_style", "");
        state.put("orientation", "horizontal");
        return control("FloatProgress", state);
    }

    Widget vBox(Widget... children) {
        return box("VBox", Map.of(), children);
    }

    Widget hBox(Widget... children) {
        return box("HBox", Map.of("flex_flow", "row wrap"), children);
    }

    /** The MIME type of a widget as a cell's output. */
    static final String VIEW = "application/vnd.jupyter.widget-view+json";

    /** What shows a widget as a cell's output, with the text and HTML for where there are no widgets. */
    static Bundle view(Widget widget, Bundle instead) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("model_id", widget.id());
        view.put("version_major", 2);
        view.put("version_minor", 0);
        return instead.with(VIEW, view);
    }

    private Widget box(String name, Map<String, Object> layout, Widget... children) {
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("children", Stream.of(children).map(Widget::reference).toList());
        state.put("box_style", "");
        state.put("layout", layout(layout).reference());
        return control(name, state);
    }

    private Map<String, Object> described(String label, String tooltip, String style) {
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("description", label);
        state.put("description_allow_html", false);
        state.put("tooltip", tooltip);
        state.put("disabled", false);
        state.put("style", style(style).reference());
        state.put("layout", layout(Map.of("width", "330px")).reference());
        return state;
    }

    private Widget control(String name, Map<String, Object> state) {
        return widgets.open(CONTROLS, name + "Model", name + "View", state);
    }

    private Widget layout(Map<String, Object> values) {
        return shared.computeIfAbsent(
                List.of("layout", values), key -> widgets.open(BASE, "LayoutModel", "LayoutView", values));
    }

    private Widget style(String model) {
        return shared.computeIfAbsent(List.of("style", model), key -> {
            boolean describes = !model.equals("ButtonStyleModel") && !model.equals("LabelStyleModel");
            Map<String, Object> state = describes ? Map.of("description_width", "7.5em") : Map.of();
            Map<String, Object> values = new LinkedHashMap<>(state);
            return openStyle(model, values);
        });
    }

    private Widget openStyle(String model, Map<String, Object> values) {
        values.put("_view_module", BASE);
        return widgets.open(CONTROLS, model, "StyleView", values);
    }
}

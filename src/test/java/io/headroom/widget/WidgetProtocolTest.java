package io.headroom.widget;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WidgetProtocolTest {
    private final Browser browser = new Browser();
    private final Controls controls = new Controls(Widgets.of(browser));

    @Test
    void opensWithModelViewAndVersions() {
        Widget slider = controls.intSlider("batch", "samples", 1, 64, 1, 8);

        assertThat(browser.models.get(slider.id()))
                .containsEntry("_model_module", "@jupyter-widgets/controls")
                .containsEntry("_model_module_version", "2.0.0")
                .containsEntry("_model_name", "IntSliderModel")
                .containsEntry("_view_name", "IntSliderView")
                .containsEntry("value", 8L);
    }

    @Test
    void refersToLayoutsAndStylesThatWereOpenedBefore() {
        Widget slider = controls.intSlider("batch", "samples", 1, 64, 1, 8);
        Map<String, Object> state = browser.models.get(slider.id());

        for (String key : List.of("layout", "style")) {
            String reference = (String) state.get(key);
            assertThat(reference).startsWith("IPY_MODEL_");
            assertThat(List.copyOf(browser.models.keySet()).indexOf(reference.substring(10)))
                    .isBetween(0, List.copyOf(browser.models.keySet()).indexOf(slider.id()) - 1);
        }
    }

    @Test
    void everyControlOpens() {
        Widget box = controls.vBox(
                controls.hBox(controls.label("l"), controls.html("<b>h</b>")),
                controls.floatSlider("f", "", 0, 1, 0.1, 0.5),
                controls.selectionSlider("s", "", List.of("x", "y"), "y"),
                controls.dropdown("d", "", List.of("x", "y"), "x"),
                controls.checkbox("c", "", true),
                controls.button("b", ""),
                controls.floatProgress("p", 0, 1, 0.25));

        assertThat((List<?>) browser.models.get(box.id()).get("children"))
                .hasSize(7)
                .allSatisfy(child -> assertThat(browser.models).containsKey(((String) child).substring(10)));
        assertThat(browser.models.get(browser.named("s"))).containsEntry("index", 1);
    }

    @Test
    void sendsOnlyWhatChanged() {
        Widget html = controls.html("a");
        html.set("value", "a");
        assertThat(browser.received).isEmpty();

        html.set("value", "b");
        assertThat(browser.received)
                .containsExactly(Map.of("method", "update", "state", Map.of("value", "b"), "buffer_paths", List.of()));
    }

    @Test
    void echoesAPersonsChangeToTheOtherBrowsers() {
        Widget slider = controls.intSlider("batch", "", 1, 64, 1, 8);
        browser.change(slider.id(), "value", 9);

        assertThat(browser.received.get(0))
                .containsEntry("method", "echo_update")
                .containsEntry("state", Map.of("value", 9));
    }

    @Test
    void answersRequestStateWithAllOfIt() {
        Widget slider = controls.intSlider("batch", "", 1, 64, 1, 8);
        browser.change(slider.id(), "value", 9);
        browser.received.clear();
        browser.tell(slider.id(), Map.of("method", "request_state"));

        assertThat(browser.received.get(0).get("state")).isEqualTo(browser.models.get(slider.id()));
    }

    @Test
    void tellsAReloadedPageEveryStateAsItIsNow() {
        Widget slider = controls.intSlider("batch", "", 1, 64, 1, 8);
        Widget gone = controls.html("gone");
        browser.change(slider.id(), "value", 9);
        browser.close(gone.id());

        Map<?, ?> states = browser.reload();
        assertThat(states).hasSize(browser.models.size() - 1);
        assertThat(states.containsKey(gone.id())).isFalse();
        Map<?, ?> told = (Map<?, ?>) states.get(slider.id());
        assertThat(told.get("model_name")).isEqualTo("IntSliderModel");
        assertThat(told.get("model_module")).isEqualTo("@jupyter-widgets/controls");
        assertThat(((Map<?, ?>) told.get("state")).get("value")).isEqualTo(9);
    }

    @Test
    void aClosedWidgetTakesChangesInSilence() {
        Widget html = controls.html("a");
        html.close();
        html.set("value", "b");

        assertThat(html.isOpen()).isFalse();
        assertThat(browser.received).isEmpty();
    }
}

package io.headroom.widget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.render.Bundle;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PanelTest {
    private static final String VIEW = "application/vnd.jupyter.widget-view+json";
    private final Browser browser = new Browser();

    private final Panel panel = new Panel(
            "a test",
            List.of(
                    new Control.Slider("n", "n", "a number", 1, 10, 1, 3),
                    new Control.Choice("word", "word", "a word", List.of("a", "b"), "b"),
                    new Control.Check("on", "on", "a tick", false)),
            values -> {
                if (values.number("n") == 7) {
                    throw new IllegalArgumentException("n = 7 <is> unlucky");
                }
                return "n=" + values.number("n") + " " + values.word("word") + " " + values.flag("on");
            },
            List.of(new Panel.Button("far", "", values -> values.with("n", 40L)), new Panel.Button("no", "", values -> {
                throw new IllegalStateException("cannot");
            })));

    @Test
    void showsAViewOfTheInitialValues() {
        Bundle bundle = panel.show(browser, Bundle.text("instead").html("<b>instead</b>"));

        String box = browser.all("VBoxModel").get(browser.all("VBoxModel").size() - 1);
        assertThat(bundle.data().get(VIEW)).isEqualTo(Map.of("model_id", box, "version_major", 2, "version_minor", 0));
        assertThat(bundle.data()).containsEntry("text/plain", "instead").containsEntry("text/html", "<b>instead</b>");
        assertThat(output()).isEqualTo("n=3 b false");
    }

    @Test
    void followsEachKindOfControl() {
        show();
        browser.change(browser.named("n"), "value", 5);
        assertThat(output()).isEqualTo("n=5 b false");
        browser.change(browser.named("word"), "index", 0);
        assertThat(output()).isEqualTo("n=5 a false");
        browser.change(browser.named("on"), "value", true);
        assertThat(output()).isEqualTo("n=5 a true");
        assertThat(panel.values().all()).isEqualTo(Map.of("n", 5L, "word", "a", "on", true));
    }

    @Test
    void aViewThatThrowsShowsItsMessageAboveTheLastGoodOne() {
        show();
        browser.change(browser.named("n"), "value", 7);
        assertThat(output()).contains("n = 7 &lt;is&gt; unlucky").endsWith("n=3 b false");

        browser.change(browser.named("n"), "value", 8);
        assertThat(output()).isEqualTo("n=8 b false");
    }

    @Test
    void aButtonSetsControlsAndWidensASlider() {
        show();
        browser.click(browser.named("far"));

        assertThat(browser.models.get(browser.named("n")))
                .containsEntry("value", 40L)
                .containsEntry("max", 40L);
        assertThat(output()).isEqualTo("n=40 b false");
    }

    @Test
    void aButtonThatThrowsChangesNothing() {
        show();
        browser.click(browser.named("no"));

        assertThat(output()).contains("cannot").endsWith("n=3 b false");
        assertThat(panel.values().number("n")).isEqualTo(3);
    }

    @Test
    void nonsenseFromTheBrowserChangesNothing() {
        show();
        browser.change(browser.named("n"), "value", "many");
        browser.change(browser.named("word"), "index", 99);
        browser.change(browser.named("on"), "value", null);
        browser.change(browser.named("n"), "no_such_key", 1);
        browser.tell(browser.named("n"), Map.of("method", "update"));
        browser.tell(browser.named("n"), Map.of("method", "invented"));
        browser.tell(browser.named("far"), Map.of("method", "custom", "content", "click"));

        assertThat(output()).isEqualTo("n=3 b false");
        assertThat(browser.models.get(browser.named("n"))).doesNotContainKey("no_such_key");
    }

    @Test
    void showingTwiceShowsTheSameWidget() {
        assertThat(show()).isEqualTo(show());
    }

    @Test
    void aPanelWhoseWidgetsTheBrowserClosedOpensNewOnes() {
        Bundle first = show();
        List.copyOf(browser.models.keySet()).forEach(browser::close);
        panel.set(panel.values().with("n", 4L));

        assertThat(show()).isNotEqualTo(first);
        assertThat(browser.models.get(browser.named("n"))).containsEntry("value", 4L);
    }

    @Test
    void panelsAreIndependent() {
        Panel other = new Panel(
                "another test",
                List.of(new Control.Slider("n", "other", "", 1, 10, 1, 1)),
                values -> "other " + values.number("n"),
                List.of());
        show();
        other.show(browser, Bundle.text(""));
        browser.change(browser.named("other"), "value", 9);

        assertThat(panel.values().number("n")).isEqualTo(3);
        assertThat(other.values().number("n")).isEqualTo(9);
    }

    @Test
    void aSliderThatCannotStartWhereItIsSaysSo() {
        assertThatThrownBy(() -> new Control.Slider("n", "n", "", 1, 10, 1, 11)).hasMessageContaining("n = 11");
        assertThatThrownBy(() -> new Control.Choice("w", "w", "", List.of("a"), "b"))
                .hasMessageContaining("\"b\"");
    }

    private Bundle show() {
        return panel.show(browser, Bundle.text(""));
    }

    private String output() {
        return browser.view();
    }
}

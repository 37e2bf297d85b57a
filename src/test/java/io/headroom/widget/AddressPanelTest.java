package io.headroom.widget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.allocator.AddressMap;
import io.headroom.allocator.AllocatorSettings;
import io.headroom.render.Bundle;
import io.headroom.trace.TraceText;
import io.headroom.units.Bytes;
import java.util.List;
import org.junit.jupiter.api.Test;

class AddressPanelTest {
    private static final List<AddressMap> MOMENTS = AddressMap.moments(
            TraceText.parse("phase load\nalloc a 64 MiB\nphase run\nalloc b 32 MiB\nfree b"),
            AllocatorSettings.defaults(),
            Bytes.GIB,
            5);

    private final Browser browser = new Browser();
    private final AddressPanel panel = AddressPanel.of(MOMENTS);

    @Test
    void aMoveDrawsItsMoment() {
        panel.show(browser);
        String slider = browser.all("SelectionSliderModel").get(0);
        assertThat(browser.models.get(slider)).containsEntry("index", 4);
        assertThat(browser.view()).contains("32.00 MiB");

        browser.change(slider, "index", 1);
        assertThat(browser.view()).contains("event 1, load").doesNotContain("32.00 MiB");
    }

    @Test
    void whatIsNoMomentChangesNothing() {
        panel.show(browser);
        String before = browser.view();
        browser.change(browser.all("SelectionSliderModel").get(0), "index", 99);
        assertThat(browser.view()).isEqualTo(before);
    }

    @Test
    void theLastMomentStandsInWhereThereAreNoWidgets() {
        Bundle bundle = panel.show(browser);
        assertThat(bundle.data()).containsKey(Bundle.HTML);
        assertThat(bundle.plain()).contains("event 4, run");
    }

    @Test
    void itNeedsMoments() {
        assertThatThrownBy(() -> AddressPanel.of(List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("AddressMap.moments");
    }
}

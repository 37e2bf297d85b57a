package io.headroom.widget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.memory.MemoryMonitor;
import io.headroom.render.Bundle;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MonitorPanelTest {
    private final Browser browser = new Browser();
    private final MemoryMonitor monitor = MemoryMonitor.every(Duration.ofMillis(50));
    private final MonitorPanel panel = MonitorPanel.of(monitor);

    @AfterEach
    void close() {
        monitor.close();
    }

    @Test
    void movesFromTheMonitorsOwnThread() throws Exception {
        panel.show(browser);
        String first = output();

        assertThat(eventually(() -> !output().equals(first) && output().contains("<polyline")))
                .isTrue();
    }

    @Test
    void theButtonStopsTheMonitorAndSaysSo() {
        panel.show(browser);
        browser.click(browser.named("Stop"));

        assertThat(monitor.isClosed()).isTrue();
        assertThat(output()).contains("stopped at");
        assertThat(browser.models.get(browser.named("Stop"))).containsEntry("disabled", true);
    }

    @Test
    void aBrowserThatClosedItLeavesTheMonitorReading() throws Exception {
        panel.show(browser);
        browser.models.keySet().stream().toList().forEach(browser::close);
        long before = monitor.timeline().added();

        assertThat(eventually(() -> monitor.timeline().added() > before + 3)).isTrue();
        assertThat(monitor.lines()).isEmpty();
    }

    @Test
    void aLineStandsInWhereThereAreNoWidgets() {
        Bundle bundle = panel.show(browser);

        assertThat(bundle.plain()).contains("process ").contains(" reading");
        assertThat((String) bundle.data().get(Bundle.HTML)).doesNotContain("<svg");
    }

    @Test
    void aClosedMonitorIsShownAsItEnded() {
        monitor.close();
        panel.show(browser);

        assertThat(output()).contains("stopped at");
    }

    @Test
    void shownFiveTimesItIsOnePanelWithOneSubscription() throws Exception {
        for (int i = 0; i < 5; i++) {
            MonitorPanel again = MonitorPanel.of(monitor);
            assertThat(again).isSameAs(panel);
            again.show(browser);
        }
        assertThat(browser.all("HTMLModel")).hasSize(1);
        browser.received.clear();
        long before = monitor.timeline().added();
        assertThat(eventually(() -> monitor.timeline().added() > before + 10)).isTrue();
        monitor.close();
        assertThat(browser.received.size())
                .isLessThanOrEqualTo((int) (monitor.timeline().added() - before) + 1);
    }

    @Test
    void theAlarmIsDrawn() throws Exception {
        monitor.alarmBelow(Long.MAX_VALUE);
        panel.show(browser);
        assertThat(eventually(() -> output().contains("role=\"alert\""))).isTrue();
        assertThat(output()).contains("Memory is nearly used up: ");
    }

    @Test
    void noMonitorIsRefused() {
        assertThatThrownBy(() -> MonitorPanel.of(null)).hasMessageContaining("monitor = null");
    }

    private String output() {
        return (String) browser.models.get(browser.all("HTMLModel").get(0)).get("value");
    }

    private static boolean eventually(java.util.function.BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 100 && !condition.getAsBoolean(); i++) {
            Thread.sleep(50);
        }
        return condition.getAsBoolean();
    }
}

package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Leak;
import io.headroom.memory.Leaks;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Samples;
import io.headroom.memory.Trend;
import io.headroom.units.Bytes;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MonitorViewTest {
    private static final Leak BATCHES = new Leak(
            "unnamed managers below \"<trainer>\"",
            39,
            new Trend(32 * Bytes.MIB, 31 * Bytes.MIB, 33 * Bytes.MIB, 5, 20),
            "step",
            Map.of("(2, 4194304) float32", 39));

    @Test
    void aMonitorAsACellsValueSaysHowToStartIt() {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(100)) {
            Bundle bundle = MonitorView.of(monitor);
            assertThat(bundle.plain()).isEqualTo(monitor.toString()).contains("every 100 steps", "step(n)");
            assertThat((String) bundle.data().get(Bundle.HTML))
                    .contains("nothing read yet")
                    .doesNotContain("<table");
        }
    }

    @Test
    void anAlarmIsDrawnAtRestAndLive() {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1).alarmBelow(Long.MAX_VALUE)) {
            monitor.step(1);
            assertThat((String) MonitorView.of(monitor).data().get(Bundle.HTML))
                    .contains("role=\"alert\"")
                    .contains("Memory is nearly used up");
            assertThat(MonitorView.live(monitor)).contains("role=\"alert\"").contains("1 reading ");
        }
    }

    @Test
    void whatGrowsIsATable() {
        Leaks leaks = Samples.leaks(40, BATCHES);
        Bundle bundle = MonitorView.of(leaks);
        assertThat(bundle.plain())
                .startsWith("unnamed managers below \"<trainer>\" grow by 32.00 MiB per step (99 %: ");
        assertThat((String) bundle.data().get(Bundle.HTML))
                .contains("<table>")
                .contains("32.00 MiB per step")
                .contains("31.00 MiB to 33.00 MiB")
                .contains("+39 managers, +39 × (2, 4194304) float32")
                .contains("&lt;trainer&gt;")
                .doesNotContain("<trainer>");
    }

    @Test
    void nothingThatGrowsIsASentence() {
        assertThat((String) MonitorView.of(Samples.leaks(40)).data().get(Bundle.HTML))
                .contains("Nothing grows over the last 40 readings.");
    }
}

package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.MemoryMonitor;
import io.headroom.model.Variable;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class LiveMonitorsTest {
    private final LiveMonitors monitors = new LiveMonitors();
    private final MemoryMonitor first = MemoryMonitor.every(Duration.ofSeconds(1));
    private final MemoryMonitor second = MemoryMonitor.every(Duration.ofSeconds(1));

    private static Variable variable(String name, MemoryMonitor value) {
        return new Variable(name, "MemoryMonitor", value);
    }

    @Test
    void aMonitorWhoseVariableHoldsAnotherByNowIsClosed() {
        monitors.show(first, List.of(variable("m", first)));
        monitors.show(second, List.of(variable("m", second)));
        assertThat(first.isClosed()).isTrue();
        assertThat(second.isClosed()).isFalse();
    }

    @Test
    void oneThatAnyVariableStillHoldsReadsOn() {
        monitors.show(first, List.of(variable("m", first)));
        monitors.show(second, List.of(variable("m", second), variable("kept", first)));
        assertThat(first.isClosed()).isFalse();
    }

    @Test
    void oneThatNoVariableEverHeldReadsOn() {
        monitors.show(first, List.of());
        monitors.show(second, List.of(variable("m", second)));
        assertThat(first.isClosed()).isFalse();
    }
}

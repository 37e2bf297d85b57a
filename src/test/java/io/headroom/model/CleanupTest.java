package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.Engine;
import io.headroom.memory.Fork;
import io.headroom.memory.LiveArrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class CleanupTest {
    @Test
    void aCleanUpBeforeAnythingRanStartsNoEngine() {
        assertThat(Fork.run(CleanupMain.class, List.of("-Xmx64m")).output()).contains("engine runs: false");
    }

    @Test
    void aRunningEngineIsSeen() {
        Engine.getEngine("PyTorch");
        assertThat(LiveArrays.engineRuns()).isTrue();
    }
}

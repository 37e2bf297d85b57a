package io.headroom.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Fork;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A heap that a cell filled, and keeps full, still gets its card, with the collector the kernels run. */
class FullHeapTest {
    @Test
    void getsACard() {
        Fork.Result result = Fork.run(FullHeapMain.class, List.of("-Xmx64m", "-XX:+UseSerialGC"));

        assertThat(result.output())
                .contains("shown: Out of memory")
                .contains("heap")
                .contains("still alive: 2");
        assertThat(result.exit()).isZero();
    }
}

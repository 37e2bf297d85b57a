package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.Peak;
import io.headroom.render.PlotlyFigure;
import org.junit.jupiter.api.Test;

class WatchOperatorsTest {
    @Test
    void namesTheOperatorsThatTookMost() throws Exception {
        Peak peak = Headroom.watchOperators(() -> {
            try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                return manager.ones(new Shape(1024, 1024)).exp().sum().getFloat();
            }
        });
        assertThat(peak.operators())
                .anyMatch(operator -> operator.name().contains("exp") && operator.bytes() > 1 << 20);
        assertThat(Headroom.operators(peak).data()).containsKey(PlotlyFigure.MIME);
    }
}

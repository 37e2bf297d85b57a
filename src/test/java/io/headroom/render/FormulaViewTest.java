package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.budget.Formula;
import io.headroom.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;

class FormulaViewTest {
    @Test
    void theBytesStandUnderEachOtherHoweverLongTheOperatorOfThePeak() {
        Workload step = Workload.transformer()
                .batch(64)
                .nodes(25)
                .seq(80)
                .dModel(128)
                .layers(100)
                .features(7);
        List<String> rows = FormulaView.of(Formula.of(step))
                .plain()
                .lines()
                .filter(line -> line.startsWith("  "))
                .toList();
        assertThat(rows)
                .hasSizeGreaterThan(8)
                .extracting(String::length)
                .containsOnly(rows.get(0).length());
    }
}

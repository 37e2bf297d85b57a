package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.workload.Attention;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.Test;

/** The hand arithmetic stores the attention matrices that the step stores, and no others. */
class FormulaOfAttentionTest {
    private static final Workload STEP = Workload.transformer()
            .batch(2)
            .nodes(3)
            .seq(64)
            .heads(4)
            .dModel(32)
            .layers(5)
            .features(7)
            .ff(64);

    @Test
    void sdpaStoresNoMatrix() {
        Formula formula = Formula.of(STEP.attention(Attention.SDPA));
        assertThat(formula.byHand().get(2))
                .isEqualTo(new Formula.Line("attention matrices", "none is stored (sdpa)", 0));
        assertThat(formula.byHandBytes()).isEqualTo(input() + 5 * 2 * activation());
        assertThat(formula.growth()).isEqualTo("linear in batch × nodes and in seq");
    }

    @Test
    void chunkedAttentionHoldsOnePieceOfOneLayer() {
        Formula formula = Formula.of(STEP.attention(Attention.CHUNKED));
        long whole = 2L * 3 * 4 * 64 * 64 * 4;
        assertThat(formula.byHand().get(2))
                .isEqualTo(new Formula.Line("attention matrices, one piece", whole + " B ÷ 8", whole / 8));
        assertThat(formula.byHandBytes()).isEqualTo(input() + 5 * 2 * activation() + whole / 8);
    }

    @Test
    void eagerAttentionStoresOneOfEachLayer() {
        Formula formula = Formula.of(STEP);
        assertThat(formula.byHandBytes()).isEqualTo(input() + 5 * (2 * activation() + 2L * 3 * 4 * 64 * 64 * 4));
        assertThat(formula.growth()).isEqualTo("linear in batch × nodes, quadratic in seq");
    }

    private static long input() {
        return 2 * 3 * 64 * 7 * 4;
    }

    private static long activation() {
        return 2 * 3 * 64 * 32 * 4;
    }
}

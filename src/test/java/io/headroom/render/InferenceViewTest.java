package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.budget.Estimate;
import io.headroom.budget.Formula;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.Test;

class InferenceViewTest {
    private static final Workload PROMPT = Workload.transformer()
            .vocab(1000)
            .seq(64)
            .heads(8)
            .kvHeads(2)
            .layers(3)
            .dModel(64)
            .inference();

    @Test
    void theCacheGoesByItsName() {
        Estimate estimate = Estimate.of(PROMPT.with(Option.NEW_TOKENS, 36));
        assertThat(estimate.kvCacheBytes()).isEqualTo(2L * 3 * 2 * 8 * 100 * 4);
        assertThat(EstimateView.of(estimate).plain())
                .contains("KV cache and input")
                .doesNotContain("input and target");
        assertThat(Formula.of(estimate).real())
                .extracting(Formula.Line::item)
                .contains("KV cache and input")
                .doesNotContain("input and target");
        assertThat(Estimate.of(PROMPT).kvCacheBytes()).isZero();
        assertThat(EstimateView.of(Estimate.of(PROMPT)).plain()).doesNotContain("KV cache");
    }

    @Test
    void itIsSaidThatResultsLiveUntilTheManagerCloses() {
        Bundle inference = EstimateView.of(Estimate.of(PROMPT));
        assertThat(inference.plain()).contains("until the manager of the forward pass closes");
        assertThat(EstimateView.html(Estimate.of(PROMPT), -1, "limit", false)).contains("until the manager");
        assertThat(EstimateView.of(Estimate.of(Workload.transformer())).plain()).doesNotContain("until the manager");
    }
}

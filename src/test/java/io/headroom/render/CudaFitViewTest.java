package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.budget.cuda.Cards;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.workload.preset.Preset;
import org.junit.jupiter.api.Test;

/** The view of a fit says the verdict in words, names every change and escapes what it is given. */
class CudaFitViewTest {
    private static CudaFit fit(String card) {
        return CudaFit.of(CudaStep.of(Preset.named("gpt2")).batch(35).build(), Cards.bytes(card));
    }

    private static String html(CudaFit fit) {
        return (String) CudaFitView.of(fit).data().get(Bundle.HTML);
    }

    @Test
    void saysTheVerdictWithASign() {
        assertThat(html(fit("80 GiB"))).contains("✓ fits: needs", "to spare", "It fits as it is.");
        assertThat(html(fit("11.76 GiB"))).contains("△ fits barely");
        assertThat(html(fit("8 GiB"))).contains("✗ does not fit", "short", "The cheapest that fits: ");
    }

    @Test
    void showsPartsPhasesAndChanges() {
        assertThat(html(fit("8 GiB")))
                .contains("optimizer state", "reserved, not in use", "forward of step 2", "gradient checkpointing")
                .doesNotContain("step 3")
                .doesNotContain("<script", "<style");
    }

    @Test
    void escapesNames() {
        Preset odd = new Preset("<b>&", Preset.named("gpt2").language(), null);

        assertThat(html(CudaFit.of(CudaStep.of(odd).build(), 1L << 35))).contains("&lt;b&gt;&amp;");
    }
}

package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.budget.Fit;
import io.headroom.budget.Verdict;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.render.Bundle;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.Test;

/** One cell says whether a published model or a workload fits, or what to write instead. */
class FitsTest {
    private static final Workload STEP = Headroom.mlp().batch(64);

    @Test
    void takesAModelAndACardByTheirNames() {
        assertThat(Headroom.fits("gpt2", "RTX 3060").verdict()).isEqualTo("fits");
        assertThat(Headroom.fits("Qwen/Qwen3-4B", "T4").verdict()).isEqualTo("does not fit");
        assertThat(Headroom.fits(Headroom.preset("vgg16").batch(64), "24 GiB")
                        .step()
                        .batch())
                .isEqualTo(64);
    }

    @Test
    void takesAWorkloadAndASizeOrDevice() {
        assertThat(Headroom.fits(STEP, "64 GiB").verdict()).isEqualTo(Verdict.FITS);
        assertThat(Headroom.fits(STEP, "1 KiB").verdict()).isEqualTo(Verdict.DOES_NOT_FIT);
        Fit card = Headroom.fits(STEP, "A100 40GB");
        assertThat(card.estimate().workload().device()).isEqualTo("A100 40GB");
    }

    @Test
    void isShownAsHtml() {
        assertThat(Views.find(Headroom.fits("gpt2", "24 GiB")).orElseThrow().data())
                .containsKey(Bundle.HTML);
        assertThat(Views.find(Headroom.fits(STEP, "64 GiB")).orElseThrow().plain())
                .contains("fits");
    }

    @Test
    void saysWhatToWriteInstead() {
        assertThatThrownBy(() -> Headroom.fits("gtp2", "24 GiB")).hasMessageContaining("openai-community/gpt2");
        assertThatThrownBy(() -> Headroom.fits("gpt2", "GTX 1")).hasMessageContaining("RTX 3060 12GB");
        assertThatThrownBy(() -> Headroom.fits("gpt2", "24 parsecs")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Headroom.fits((CudaStep.Builder) null, "24 GiB"))
                .hasMessageContaining("preset(");
        assertThatThrownBy(() -> Headroom.fits((Workload) null, "24 GiB")).hasMessageContaining("fits(null)");
        assertThatThrownBy(() -> Headroom.fits(STEP, "GTX 1")).hasMessageContaining("RTX 3060 12GB");
        assertThatThrownBy(() -> Headroom.fits(STEP, (String) null)).isInstanceOf(IllegalArgumentException.class);
    }
}

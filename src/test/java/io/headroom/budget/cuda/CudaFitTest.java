package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import io.headroom.workload.preset.Preset;
import java.util.Collections;
import org.junit.jupiter.api.Test;

/** A step fits on a card or not, and changes say what they save. */
class CudaFitTest {
    private static final CudaStep STEP =
            CudaStep.of(Preset.named("gpt2")).batch(35).build();

    @Test
    void fitsOnALargeCardOnly() {
        assertThat(CudaFit.of(STEP, Bytes.parse("40 GiB")).verdict()).isEqualTo("fits");
        assertThat(CudaFit.of(STEP, Bytes.parse("8 GiB")).verdict()).isEqualTo("does not fit");
    }

    @Test
    void offersChangesThatMakeItFit() {
        CudaFit fit = CudaFit.of(STEP, Bytes.parse("8 GiB"));

        assertThat(fit.thatFit()).isNotEmpty().allSatisfy(change -> {
            assertThat(change.savedBytes()).isPositive();
            assertThat(CudaFit.of(change.step(), Bytes.parse("8 GiB")).verdict())
                    .isEqualTo("fits");
        });
        assertThat(fit.toString()).contains("does not fit", "batch 17, accumulated twice");
    }

    @Test
    void findsTheCheapestSetThatFits() {
        CudaFit.Change free =
                CudaFit.of(STEP, Bytes.parse("12.7 GiB")).cheapest().orElseThrow();
        assertThat(free.name()).isEqualTo("let go of the output");

        CudaFit.Change several =
                CudaFit.of(STEP, Bytes.parse("3.2 GiB")).cheapest().orElseThrow();
        assertThat(several.name()).contains(" + ");
        assertThat(CudaFit.of(several.step(), Bytes.parse("3.2 GiB")).verdict()).isEqualTo("fits");

        assertThat(CudaFit.of(STEP, Bytes.parse("40 GiB")).advice()).isEqualTo("It fits as it is.");
        assertThat(CudaFit.of(STEP, Bytes.parse("600 MiB")).advice()).contains("smaller model");
    }

    @Test
    void followsThePhases() {
        CudaFit fit = CudaFit.of(STEP, Bytes.parse("8 GiB"));

        assertThat(fit.timeline()).containsKeys("load", "forward of step 1", "backward of step 4");
        assertThat(Collections.max(fit.timeline().values()))
                .isLessThanOrEqualTo(fit.estimate().peakAllocatedBytes());
    }
}

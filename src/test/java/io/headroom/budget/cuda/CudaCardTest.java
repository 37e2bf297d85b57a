package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.preset.Preset;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** On a card that is short of memory the allocator gives cached segments back before a step fails. */
class CudaCardTest {
    private static final CudaStep.Builder VGG = CudaStep.of(Preset.named("VGG16"))
            .optimizer(OptimizerKind.SGD)
            .batch(684)
            .image(86);
    private static final long CARD = Bytes.parse("11.76 GiB");

    /** Ran on an RTX 3060: 11258 MiB, published with xMem (MIT). */
    @Test
    void staysBelowACardOnWhichItRan() {
        CudaEstimate roomy = VGG.card(0).build().estimate();
        CudaEstimate tight = VGG.card(CARD).build().estimate();

        assertThat(roomy.deviceBytes() + CudaEstimate.CONTEXT_BYTES).isGreaterThan(CARD);
        assertThat(tight.deviceBytes() + CudaEstimate.CONTEXT_BYTES).isLessThanOrEqualTo(CARD);
        assertThat(tight.peakAllocatedBytes()).isEqualTo(roomy.peakAllocatedBytes());
        assertThat(CudaFit.of(VGG.card(0).build(), CARD).verdict()).isEqualTo("tight");
    }

    @Test
    void tellsWhatItNeedsWhereItFails() {
        CudaEstimate estimate = VGG.card(Bytes.parse("6 GiB")).build().estimate();

        assertThat(estimate.deviceBytes()).isGreaterThan(Bytes.parse("6 GiB"));
    }

    @Test
    void changesNothingOnALargeCard() {
        assertThat(VGG.card(Bytes.parse("80 GiB")).build().estimate().deviceBytes())
                .isEqualTo(VGG.card(0).build().estimate().deviceBytes());
    }

    @Test
    void isReadFromASpec() {
        assertThat(CudaSpec.read(Map.of("preset", "gpt2", "card", "11.76 GiB")).card())
                .isEqualTo(CARD);
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "card", "large")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("card")
                .hasMessageContaining("large");
    }
}

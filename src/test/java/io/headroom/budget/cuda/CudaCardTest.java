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
        assertThat(CudaFit.of(VGG.card(0).build(), CARD).verdict()).isEqualTo("fits barely");
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

    /** PyTorch's CublasHandlePool.cpp: 32 MiB on compute capability 9.0, else 8.125 MiB. */
    @Test
    void hasAsMuchForCublasAsItsCapabilityTakes() {
        CudaStep.Builder small = CudaStep.of(Preset.named("MobileNetV3Small")).batch(2);
        CudaEstimate ampere = small.card(Cards.named("A100 80GB")).build().estimate();
        CudaEstimate hopper = small.card(Cards.named("H100")).build().estimate();
        CudaEstimate unknown = small.card(0).build().estimate();

        CudaStep.Builder gpt2 = CudaStep.of(Preset.named("gpt2"));
        assertThat(gpt2.card(Cards.named("H200")).build().trace().peakLive().bytes()
                        - gpt2.card(Cards.named("A100 80GB"))
                                .build()
                                .trace()
                                .peakLive()
                                .bytes())
                .isEqualTo((32 << 20) - 8_519_680);
        assertThat(unknown.deviceBytes()).isEqualTo(ampere.deviceBytes());
        assertThat(unknown.upperBytes()).isGreaterThan(hopper.deviceBytes());
        assertThat(unknown.upperBytes() - ampere.upperBytes()).isEqualTo(32 << 20);
        assertThat(small.card(Cards.named("RTX 5090")).build().estimate().upperBytes())
                .isEqualTo(unknown.upperBytes());
        assertThat(small.card(Bytes.parse("24 GiB")).build().estimate().upperBytes())
                .isEqualTo(ampere.upperBytes());
    }

    @Test
    void isNoSmallerThanAContext() {
        assertThatThrownBy(() -> VGG.card(24).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("card 24 bytes")
                .hasMessageContaining("481.00 MiB");
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "card", 24)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("card \"24\"")
                .hasMessageContaining("24 GiB")
                .hasMessageContaining("RTX 4090 24GB");
        VGG.card(0);
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

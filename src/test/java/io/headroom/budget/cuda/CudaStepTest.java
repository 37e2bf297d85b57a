package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A step on CUDA answers with peaks, or says what it cannot be. */
class CudaStepTest {
    private static final Preset GPT2 = Preset.named("gpt2");

    /** Driver-level peaks published with xMem (MIT), RTX 3060, torch 2.6: within 1 %. */
    @ParameterizedTest
    @CsvSource({
        "openai-community/gpt2, ADAMW, 35, 10906",
        "distilbert/distilgpt2, ADAMW, 43, 8934",
        "T5-small, ADAM, 40, 7644",
        "facebook/opt-125m, ADAMW, 38, 8494",
        "EleutherAI/gpt-neo-125M, SGD, 25, 7436",
        "MobileNetV2, SGD, 712, 9588",
        "ConvNeXtTiny, ADAGRAD, 400, 6360"
    })
    void isNearMeasuredPeaks(String model, OptimizerKind optimizer, long batch, long truth) {
        CudaEstimate estimate = CudaStep.of(Preset.named(model))
                .optimizer(optimizer)
                .batch(batch)
                .image(86)
                .build()
                .estimate();

        assertThat((double) estimate.deviceBytes() / Bytes.MIB).isBetween(truth * 0.99, truth * 1.01);
        assertThat(estimate.upperBytes()).isGreaterThan(truth * Bytes.MIB);
    }

    @Test
    void ordersItsPeaks() {
        CudaEstimate estimate = CudaStep.of(GPT2).batch(4).build().estimate();

        assertThat(estimate.parameters()).isEqualTo(124_439_808);
        assertThat(estimate.peakAllocatedBytes()).isLessThanOrEqualTo(estimate.peakReservedBytes());
        assertThat(estimate.peakReservedBytes()).isLessThan(estimate.deviceBytes());
        assertThat(estimate.deviceBytes()).isLessThan(estimate.upperBytes());
    }

    @ParameterizedTest
    @EnumSource(OptimizerKind.class)
    void knowsEveryOptimizer(OptimizerKind optimizer) {
        assertThat(CudaStep.of(GPT2).optimizer(optimizer).build().estimate().peakAllocatedBytes())
                .isGreaterThan(2 * 4 * 124_439_808L);
    }

    @Test
    void storesScoresOnlyWithEagerAttention() {
        CudaStep.Builder step = CudaStep.of(GPT2).batch(8).seq(512);
        long fused = step.attention(Attention.SDPA).build().estimate().peakAllocatedBytes();
        long eager = step.attention(Attention.EAGER).build().estimate().peakAllocatedBytes();

        assertThat(eager - fused).isGreaterThan(12L * 8 * 12 * 512 * 512 * 4);
    }

    @Test
    void halvesWithHalfPrecision() {
        CudaStep.Builder step = CudaStep.of(Preset.named("Qwen/Qwen3-0.6B")).optimizer(OptimizerKind.SGD);
        long full = step.build().estimate().peakAllocatedBytes();
        long half = step.precision(Precision.BF16).build().estimate().peakAllocatedBytes();

        assertThat((double) half / full).isBetween(0.5, 0.62);
    }

    @Test
    void keepsGradientsThroughTheForwardPassIfDroppedAfterIt() {
        CudaStep.Builder step = CudaStep.of(GPT2).batch(16);
        long before = step.zeroGrad(ZeroGrad.BEFORE_FORWARD).build().estimate().peakAllocatedBytes();
        long between =
                step.zeroGrad(ZeroGrad.BEFORE_BACKWARD).build().estimate().peakAllocatedBytes();
        long never = step.zeroGrad(ZeroGrad.IN_PLACE).build().estimate().peakAllocatedBytes();

        assertThat(between).isGreaterThanOrEqualTo(before);
        assertThat(never).isGreaterThanOrEqualTo(between);
    }

    @Test
    void freesLogitsThatNobodyKeeps() {
        CudaStep.Builder step = CudaStep.of(GPT2).batch(32).optimizer(OptimizerKind.SGD);
        long kept = step.build().estimate().peakAllocatedBytes();
        long dropped = step.keepOutputs(false).build().estimate().peakAllocatedBytes();

        assertThat(kept).isGreaterThan(dropped);
    }

    @Test
    void takesAnySizeOfAFamily() {
        LanguageModel small =
                LanguageModel.of(Family.LLAMA).hidden(256).layers(2).heads(4).build();
        CudaEstimate estimate =
                CudaStep.of(new Preset("small", small, null)).build().estimate();

        assertThat(estimate.parameters()).isEqualTo(small.parameters());
    }

    @Test
    void saysWhatCannotBe() {
        assertThatThrownBy(() -> CudaStep.of(GPT2).batch(0).build()).hasMessageContaining("batch 0");
        assertThatThrownBy(() -> CudaStep.of(GPT2).seq(2000).build())
                .hasMessageContaining("seq 2000")
                .hasMessageContaining("1024");
        assertThatThrownBy(() -> CudaStep.of(Preset.named("VGG16")).image(16).build())
                .hasMessageContaining("image 16")
                .hasMessageContaining("VGG16")
                .hasMessageContaining("32");
        assertThatThrownBy(() -> CudaStep.of(Preset.named("VGG16"))
                        .attention(Attention.SDPA)
                        .build())
                .hasMessageContaining("attention");
        assertThatThrownBy(() -> CudaStep.of(Preset.named("T5-small"))
                        .attention(Attention.SDPA)
                        .build())
                .hasMessageContaining("T5-small");
        assertThatThrownBy(() -> CudaStep.of(GPT2).steps(0).build()).hasMessageContaining("steps 0");
        assertThatThrownBy(() -> CudaStep.of(GPT2)
                        .precision(Precision.BF16)
                        .autocast(Precision.FP16)
                        .build())
                .hasMessageContaining("autocast FP16")
                .hasMessageContaining("BF16");
    }
}

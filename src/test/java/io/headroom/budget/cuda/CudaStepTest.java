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
import io.headroom.workload.preset.Weight;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        assertThat(estimate.peakAllocatedBytes())
                .isGreaterThanOrEqualTo(4 * 4 * estimate.parameters())
                .isLessThan(estimate.peakReservedBytes());
        assertThat(estimate.deviceBytes()).isEqualTo(estimate.peakReservedBytes() + 24 * Bytes.MIB);
        assertThat(estimate.upperBytes() - estimate.deviceBytes())
                .isBetween((long) (0.08 * estimate.peakReservedBytes()), (long) (0.5 * estimate.peakReservedBytes()));
    }

    @ParameterizedTest
    @CsvSource({"SGD, 0", "MOMENTUM, 1", "RMSPROP, 1", "ADAGRAD, 1", "ADAM, 2", "ADAMW, 2"})
    void keepsTheStatesOfEveryOptimizer(OptimizerKind optimizer, int states) {
        assertThat(CudaStep.of(GPT2).optimizer(optimizer).build().estimate().optimizerBytes())
                .isEqualTo(states * 4 * 124_439_808L);
    }

    /** A row and a column of each matrix, each vector whole. */
    @Test
    void keepsFactoredStatesOfAdafactor() {
        long states = GPT2.weights().stream()
                .filter(Weight::trained)
                .mapToLong(weight -> weight.shape().size() == 1
                        ? weight.count()
                        : weight.shape().get(0) + weight.shape().get(1))
                .sum();

        assertThat(CudaStep.of(GPT2)
                        .optimizer(OptimizerKind.ADAFACTOR)
                        .build()
                        .estimate()
                        .optimizerBytes())
                .isEqualTo(4 * states);
    }

    /** Neither does the bound fall where cuDNN stops taking a workspace, nor does the estimate jump there. */
    @ParameterizedTest
    @CsvSource({"MobileNetV2, 1000", "MnasNet, 10"})
    void neitherJumpsNorLowersItsBoundAsTheBatchGrows(String name, long classes) {
        CudaStep.Builder step = CudaStep.of(Preset.named(name, classes)).image(86);
        CudaEstimate before = step.batch(368).build().estimate();
        for (long batch = 369; batch <= 404; batch++) {
            CudaEstimate now = step.batch(batch).build().estimate();
            assertThat(now.upperBytes()).isGreaterThanOrEqualTo(before.upperBytes());
            assertThat((double) now.deviceBytes() / before.deviceBytes()).isBetween(0.98, 1.02);
            before = now;
        }
    }

    /** One sequence of a model with a small vocabulary leaves segments behind too. */
    @ParameterizedTest
    @CsvSource({"1000, 128", "1000, 4096", "128256, 16"})
    void leavesRoomAboveSmallBatches(long vocab, long seq) {
        LanguageModel model = LanguageModel.of(Family.LLAMA)
                .hidden(512)
                .layers(4)
                .heads(8)
                .vocab(vocab)
                .build();
        CudaEstimate estimate =
                CudaStep.of(new Preset("own", model, null)).seq(seq).build().estimate();

        assertThat((double) estimate.upperBytes() / estimate.deviceBytes()).isGreaterThan(1.07);
        assertThat(estimate.upperBytes() - estimate.deviceBytes())
                .isGreaterThanOrEqualTo(3 * 4 * seq * Math.max(vocab, model.intermediate()));
    }

    @Test
    void leavesRoomForScores() {
        CudaStep.Builder step = CudaStep.of(Preset.named("T5-small")).seq(8192);
        CudaEstimate estimate = step.build().estimate();

        assertThat(estimate.upperBytes() - estimate.deviceBytes()).isGreaterThan(3L * 4 * 8 * 8192 * 8192);
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

        assertThat(between).isGreaterThan(before);
        assertThat(never).isGreaterThanOrEqualTo(between);
    }

    @Test
    void freesLogitsThatNobodyKeeps() {
        CudaStep.Builder step = CudaStep.of(GPT2).batch(32).optimizer(OptimizerKind.SGD);
        long kept = step.build().estimate().peakAllocatedBytes();
        long dropped = step.keepOutputs(false).build().estimate().peakAllocatedBytes();

        assertThat(kept).isGreaterThan(dropped);
    }

    /** Per layer 4 · 256² for attention, 3 · 256 · 1024 for the feed-forward layer, two norms; two tables of 32 000, a last norm. */
    @Test
    void takesAnySizeOfAFamily() {
        LanguageModel small = LanguageModel.of(Family.LLAMA)
                .hidden(256)
                .layers(2)
                .heads(4)
                .intermediate(1024)
                .build();
        CudaEstimate estimate =
                CudaStep.of(new Preset("small", small, null)).build().estimate();

        long parameters = 2 * (4 * 256 * 256 + 3 * 256 * 1024 + 2 * 256) + 2 * 32_000 * 256 + 256;
        assertThat(estimate.parameters()).isEqualTo(parameters);
        assertThat(estimate.gradientsBytes() + estimate.optimizerBytes()).isGreaterThan(2 * 4 * parameters);
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

    /** GELU written out in eight operators keeps more than one fused operator. */
    @ParameterizedTest
    @CsvSource({"T5, relu", "LLAMA, silu", "GEMMA2, gelu_pytorch_tanh", "BERT, gelu", "DEBERTA, gelu"})
    void followsTheActivationThatTheModelNames(Family family, String usual) {
        LanguageModel.Builder model =
                LanguageModel.of(family).vocab(1000).hidden(256).layers(4).heads(4);

        assertThat(device(model.activation("gelu_new").build()))
                .isGreaterThan(device(model.activation(usual).build()) * 21 / 20);
    }

    private static long device(LanguageModel model) {
        return CudaStep.of(new Preset("mine", model, null))
                .batch(32)
                .seq(256)
                .build()
                .estimate()
                .deviceBytes();
    }
}

package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.ZeroGrad;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Spec files of published models are read, or refused with what to write instead. */
class CudaSpecTest {
    @Test
    void readsEveryKey() {
        CudaStep step = CudaSpec.read(Map.of(
                "preset", "openai-community/gpt2",
                "optimizer", "RMSprop",
                "batch", 4,
                "seq", 64,
                "attention", "eager",
                "zero_grad", "after-step",
                "keep_outputs", false,
                "device", "cuda"));

        assertThat(step.optimizer()).isEqualTo(OptimizerKind.RMSPROP);
        assertThat(step.batch()).isEqualTo(4);
        assertThat(step.attention()).isEqualTo(Attention.EAGER);
        assertThat(step.zeroGrad()).isEqualTo(ZeroGrad.AFTER_STEP);
        assertThat(step.keepOutputs()).isFalse();
    }

    @Test
    void takesImageAndClasses() {
        CudaStep step = CudaSpec.read(Map.of("preset", "MnasNet", "image", 86, "classes", 10));

        assertThat(step.image()).isEqualTo(86);
        assertThat(step.model().parameters()).isEqualTo(3_115_122);
    }

    @ParameterizedTest
    @CsvSource({
        "preset, gtp2, gpt2",
        "optimizer, adamax, adamw",
        "optimizer, adam4bit, adam8bit",
        "attention, chunked, 'eager, sdpa.'",
        "preset, gpt2-large, openai-community/gpt2-medium",
        "config, nowhere.json, both name a model",
        "device, cpu, cuda",
        "zero_grad, never, after-step",
        "attention, magic, sdpa",
        "precision, fp12, autocast-bf16",
        "precision, int8, fp16",
        "card, RTX 9999, RTX 3060",
        "checkpointing, some, whole number",
        "keep_outputs, perhaps, true or false",
        "preset, resnet18, ResNet50",
        "batch, four, whole number",
        "colour, red, unknown key"
    })
    void saysWhatToWriteInstead(String key, String value, String said) {
        Map<String, Object> spec = new java.util.HashMap<>(Map.of("preset", "gpt2"));
        spec.put(key, value);

        assertThatThrownBy(() -> CudaSpec.read(spec))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(value.equals("red") ? "colour" : value)
                .hasMessageContaining(said);
    }

    @ParameterizedTest
    @CsvSource({
        "VGG16, 31, 32",
        "ConvNeXtTiny, 31, 32",
        "ResNet50, 0, from 1",
        "MobileNetV2, -3, from 1",
        "VGG19, 16777217, 16777216"
    })
    void refusesImagesThatCannotBe(String preset, int image, String said) {
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", preset, "image", image)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("image " + image)
                .hasMessageContaining(said);
    }

    /** PyTorch: "Expected more than 1 value per channel when training". */
    @ParameterizedTest
    @CsvSource({"ResNet50, 1, 32, 33", "ResNet50, 1, 1, 33", "MobileNetV2, 1, 1, 33", "RegNetY400MF, 1, 20, 33"})
    void refusesOneValueAChannel(String preset, int batch, int image, int larger) {
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", preset, "image", image, "batch", batch)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("batch 1 with image " + image)
                .hasMessageContaining("more than 1 value per channel")
                .hasMessageContaining("batch 2, or image " + larger);
        assertThat(CudaSpec.read(Map.of("preset", preset, "image", larger, "batch", batch))
                        .estimate()
                        .deviceBytes())
                .isPositive();
        assertThat(CudaSpec.read(Map.of("preset", preset, "image", image, "batch", 2))
                        .estimate()
                        .deviceBytes())
                .isPositive();
    }

    @ParameterizedTest
    @CsvSource({"VGG16, 32", "ConvNeXtTiny, 32"})
    void takesOneImageWhereNoBatchIsNormalized(String preset, int image) {
        assertThat(CudaSpec.read(Map.of("preset", preset, "image", image)).batch())
                .isOne();
    }

    @ParameterizedTest
    @ValueSource(longs = {-4294967295L, 0, 101, Long.MAX_VALUE, Long.MIN_VALUE})
    void refusesStepsThatCannotBe(long steps) {
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "steps", steps)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("from 1 to 100");
    }

    @Test
    void takesTheDeviceInAnyCase() {
        assertThat(CudaSpec.read(Map.of("preset", "gpt2", "device", "CUDA:0")).batch())
                .isOne();
    }

    @Test
    void tellsTheKeysThatSayNothingAboutTheModel() {
        Map<String, Object> all = Map.of("preset", "gpt2", "seq", 64, "image", 86, "classes", 10);
        assertThat(CudaSpec.unused(all, CudaSpec.read(all))).containsExactly("image", "classes");
        Map<String, Object> net = Map.of("preset", "ResNet50", "seq", 64, "image", 86, "classes", 10);
        assertThat(CudaSpec.unused(net, CudaSpec.read(net))).containsExactly("seq");
    }

    @Test
    void readsAConfigInsteadOfAPreset(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(
                Files.createDirectory(folder.resolve("mine")).resolve("config.json"),
                "{\"model_type\": \"gpt2\", \"n_layer\": 6}");
        Map<String, Object> spec = Map.of("config", file.toString(), "batch", 3);

        CudaStep step = CudaSpec.read(spec);

        assertThat(CudaSpec.applies(spec)).isTrue();
        assertThat(step.model().name()).isEqualTo("mine");
        assertThat(step.estimate().deviceBytes())
                .isEqualTo(CudaSpec.read(Map.of("preset", "distilgpt2", "batch", 3))
                        .estimate()
                        .deviceBytes());
        assertThatThrownBy(() -> CudaSpec.read(
                        Map.of("config", folder.resolve("none.json").toString())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("none.json")
                .hasMessageContaining("config.json");
    }

    /** The smallest image of every network really goes through it. */
    @ParameterizedTest
    @CsvSource({"VGG16, 32", "ConvNeXtBase, 32", "ResNet152, 1", "MnasNet, 1", "RegNetY400MF, 1", "MobileNetV3Large, 1"
    })
    void takesTheSmallestImage(String preset, int image) {
        assertThat(CudaSpec.read(Map.of("preset", preset, "image", image, "batch", 2))
                        .estimate()
                        .deviceBytes())
                .isPositive();
    }

    /** Wherever gradients are dropped after the last micro-batch, they live from one to the next. */
    @ParameterizedTest
    @CsvSource({"start, true", "after-forward, true", "after-step, true", "in-place, false"})
    void tellsThatAccumulationKeepsGradients(String place, boolean unused) {
        Map<String, Object> spec = Map.of("preset", "gpt2", "batch", 8, "accumulation", 4, "zero_grad", place);

        CudaStep step = CudaSpec.read(spec);

        assertThat(step.zeroGrad()).isEqualTo(ZeroGrad.IN_PLACE);
        assertThat(CudaSpec.unused(spec, step).contains("zero_grad")).isEqualTo(unused);
        Map<String, Object> plain = Map.of("preset", "gpt2", "zero_grad", place);
        assertThat(CudaSpec.unused(plain, CudaSpec.read(plain))).isEmpty();
    }

    /** The keys and words of a spec of sizes mean the same beside a preset. */
    @Test
    void takesTheWordsOfOtherSpecs() {
        CudaStep step = CudaSpec.read(Map.of(
                "preset",
                "gpt2",
                "batch",
                35,
                "accumulation",
                4,
                "zero_grad",
                "before_forward",
                "device",
                "A100 40GB"));

        assertThat(step.batch()).isEqualTo(9);
        assertThat(step.zeroGrad()).isEqualTo(ZeroGrad.IN_PLACE);
        assertThat(step.card()).isEqualTo(Cards.bytes("A100 40GB"));
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "accumulation", 2)))
                .hasMessageContaining("accumulation 2 with batch 1");
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "frozen_layers", 8)))
                .hasMessageContaining("frozen_layers \"8\" is not followed beside preset");
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "card", "4090")))
                .hasMessageContaining("RTX 4090 24GB");
    }
}

package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sizes whose bytes no {@code long} holds are refused by name; none wraps around. */
class HugeSizesTest {
    @ParameterizedTest
    @CsvSource({
        "16777216, 1048576",
        "16777216, 16777216",
        "16777216, 65536",
        "1048576, 262144",
        "2, 16777216",
    })
    void imagesAreRefusedByTheirKeys(long batch, long image) {
        CudaStep step =
                CudaStep.of(Preset.named("ResNet50")).batch(batch).image(image).build();

        assertThatThrownBy(step::estimate)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("batch " + batch + ", image " + image)
                .hasMessageContaining("ResNet50")
                .hasMessageContaining("smaller");
        assertThatThrownBy(step::trace)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("batch " + batch);
    }

    @Test
    void hiddenSizesAreRefusedByTheirKeys() {
        LanguageModel model = LanguageModel.of(Family.GPT2)
                .hidden(1 << 30)
                .layers(1)
                .heads(16)
                .build();
        CudaStep step = CudaStep.of(new Preset("mine", model, null)).build();

        assertThatThrownBy(step::estimate)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("hidden size 1073741824")
                .hasMessageContaining("mine");
        LanguageModel deep = LanguageModel.of(Family.GPT2)
                .hidden(1 << 30)
                .layers(12)
                .heads(16)
                .build();
        assertThatThrownBy(deep::parameters)
                .isInstanceOf(ArithmeticException.class)
                .hasMessageContaining("2^63");
        assertThatThrownBy(() -> LanguageModel.of(Family.LLAMA)
                        .heads(1L << 32)
                        .headWidth(1L << 32)
                        .build())
                .hasMessageContaining("4294967296");
    }

    /** Far beyond any card, and still exact: twice the batch needs twice the activations. */
    @Test
    void whatCanBeCountedIs() {
        CudaStep.Builder step = CudaStep.of(Preset.named("VGG16")).image(224);
        long once = step.batch(1 << 20).build().estimate().deviceBytes();
        long twice = step.batch(1 << 21).build().estimate().deviceBytes();

        assertThat(once).isGreaterThan(100L << 40);
        assertThat(twice / (double) once).isBetween(1.99, 2.01);
    }
}

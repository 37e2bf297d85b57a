package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.workload.Precision;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * With {@code new_tokens} a cache grows behind the prompt, as {@code generate} of transformers 4.51 lets it.
 *
 * <p>{@code recorded-generation.jsonl} is made by {@code record_steps.py} beside it on fake CUDA tensors: peak of live blocks.
 */
class GenerationTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Stream<JsonNode> recorded() throws IOException {
        try (InputStream lines = GenerationTest.class.getResourceAsStream("recorded-generation.jsonl")) {
            return JSON.readerFor(JsonNode.class).<JsonNode>readValues(lines.readAllBytes()).readAll().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void allocatesAsRecorded(JsonNode run) {
        CudaStep step = CudaStep.of(Preset.named(run.path("name").asText()))
                .batch(run.path("batch").asLong())
                .seq(run.path("seq").asLong())
                .steps(run.path("steps").asInt())
                .newTokens(run.path("new_tokens").asLong())
                .precision(InferenceTest.type(run, "precision", Precision.FP32))
                .inference(true)
                .build();

        long peak = run.path("peak").asLong();

        assertThat(InferenceTest.live(step.trace())).isCloseTo(peak, within(peak / 200));
    }

    /** Keys and values of 8 of 24 heads: 2 · 28 layers · 8 heads · 128 values · 2 bytes a token. */
    @Test
    void groupedHeadsKeepTheirOwnKeysAndValuesAlone() {
        CudaEstimate estimate = CudaStep.of(Preset.named("meta-llama/Llama-3.2-3B-Instruct"))
                .precision(Precision.BF16)
                .batch(4)
                .seq(1000)
                .newTokens(1001)
                .inference(true)
                .build()
                .estimate();

        assertThat(estimate.kvCacheBytes()).isEqualTo(2L * 28 * 8 * 128 * 2 * 4 * 2000);
        assertThat(estimate.activationsBytes()).isGreaterThan(estimate.kvCacheBytes());
        assertThat(estimate.upperBytes()).isGreaterThan(estimate.deviceBytes());
        assertThat(estimate.peakPhase()).isEqualTo("tokens of step 1");
    }

    @ParameterizedTest
    @CsvSource({
        "bert-base-uncased, 5, 128, an encoder",
        "google/gemma-2-2b-it, 5, 128, HybridCache",
        "T5-small, 5, 128, not followed",
        "ResNet50, 5, 128, an image network",
        "gpt2, 5, 1020, 1024 positions",
        "gpt2, -5, 128, from 1"
    })
    void refusesTokensThatCannotBe(String preset, int tokens, int seq, String said) {
        assertThatThrownBy(() -> CudaSpec.read(
                        Map.of("preset", preset, "new_tokens", tokens, "seq", seq + 1, "inference", true)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("new_tokens " + tokens)
                .hasMessageContaining(said);
    }

    @Test
    void refusesTokensInTrainingAndUnderAutocast() {
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "new_tokens", 5)))
                .hasMessageContaining("new_tokens 5 in training");
        assertThatThrownBy(() -> CudaSpec.read(
                        Map.of("preset", "gpt2", "new_tokens", 5, "inference", true, "precision", "autocast")))
                .hasMessageContaining("precision \"fp16\"");
    }

    @Test
    void aSpecSaysWhatIsNotUsed() {
        Map<String, Object> spec = Map.of("preset", "gpt2", "new_tokens", 5, "inference", true, "keep_outputs", true);

        CudaStep step = CudaSpec.read(spec);

        assertThat(step.newTokens()).isEqualTo(5);
        assertThat(CudaSpec.unused(spec, step)).containsExactly("keep_outputs");
    }
}

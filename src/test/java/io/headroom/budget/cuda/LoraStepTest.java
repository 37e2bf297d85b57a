package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * With {@code lora_rank} beside a preset only PEFT's adapters are trained; with adam8bit the states are those of bitsandbytes.
 *
 * <p>{@code recorded-adapters.jsonl} is made by {@code record_steps.py} beside it on fake CUDA tensors: peak of live blocks.
 */
class LoraStepTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Stream<JsonNode> recorded() throws IOException {
        try (InputStream lines = LoraStepTest.class.getResourceAsStream("recorded-adapters.jsonl")) {
            return JSON.readerFor(JsonNode.class).<JsonNode>readValues(lines.readAllBytes()).readAll().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void allocatesAsRecorded(JsonNode run) {
        String attention = run.path("attention").asText("");
        CudaStep step = CudaStep.of(Preset.named(run.path("name").asText()))
                .optimizer(OptimizerKind.valueOf(run.path("optimizer").asText().toUpperCase(Locale.ROOT)))
                .batch(run.path("batch").asLong())
                .seq(run.path("seq").asLong(128))
                .image(run.path("image").asLong(86))
                .steps(run.path("steps").asInt(2))
                .loraRank(run.path("lora_rank").asLong())
                .precision(InferenceTest.type(run, "precision", Precision.FP32))
                .autocast(InferenceTest.type(run, "autocast", null))
                .checkpointing(run.path("checkpointing").asBoolean())
                .attention(attention.isEmpty() ? null : Attention.valueOf(attention.toUpperCase(Locale.ROOT)))
                .build();

        long peak = run.path("peak").asLong();

        assertThat(InferenceTest.live(step.trace())).isCloseTo(peak, within(peak / 500));
    }

    @Test
    void onlyAdaptersHaveGradientsAndStates() {
        CudaEstimate estimate = gpt2().loraRank(8).build().estimate();

        assertThat(estimate.trainableParameters()).isEqualTo(294_912);
        assertThat(estimate.parameters()).isEqualTo(124_439_808 + 294_912);
        assertThat(estimate.gradientsBytes()).isLessThanOrEqualTo(4 * 294_912);
        assertThat(estimate.optimizerBytes()).isEqualTo(8 * 294_912);
        assertThat(estimate.peakAllocatedBytes())
                .isLessThan(gpt2().build().estimate().peakAllocatedBytes() - 2 * 4 * 124_439_808L);
    }

    /** Not kept: what only a gradient of c_fc's and of the second c_proj's weight would read. */
    @Test
    void savesNoInputOfAFrozenLayer() {
        long full = forward(gpt2().build());
        long adapted = forward(gpt2().loraRank(8).build());
        long tokens = 8 * 128;

        assertThat(full - adapted).isGreaterThan(12 * tokens * (3072 + 768) * 4L);
    }

    private static long forward(CudaStep step) {
        return CudaFit.of(step, 1L << 37).timeline().get("forward of step 1");
    }

    @ParameterizedTest
    @CsvSource({
        "distilbert/distilgpt2",
        "facebook/opt-350m",
        "EleutherAI/gpt-neo-125M",
        "EleutherAI/pythia-1b",
        "T5-small",
        "bert-base-uncased",
        "deberta-base",
        "Qwen/Qwen3-0.6B",
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
        "meta-llama/Llama-3.2-3B-Instruct",
        "google/gemma-2-2b-it"
    })
    void everyFamilyTakesAdaptersWithAndWithoutCheckpointing(String preset) {
        CudaStep.Builder step = CudaStep.of(Preset.named(preset)).batch(4).loraRank(16);
        CudaEstimate plain = step.build().estimate();
        CudaEstimate again = step.checkpointing(true).build().estimate();

        assertThat(plain.optimizerBytes()).isEqualTo(8 * plain.trainableParameters());
        assertThat(again.optimizerBytes()).isEqualTo(8 * plain.trainableParameters());
        assertThat(again.peakAllocatedBytes()).isLessThan(plain.peakAllocatedBytes());
    }

    @ParameterizedTest
    @CsvSource({
        "gpt2, 769, 'from 1 to the width of openai-community/gpt2, 768'",
        "gpt2, -1, from 1",
        "ResNet50, 8, an image network",
        "gpt2, eight, whole number"
    })
    void refusesARankThatCannotBe(String preset, String rank, String said) {
        Object value = rank.matches("-?\\d+") ? Integer.valueOf(rank) : rank;

        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", preset, "lora_rank", value)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("lora_rank")
                .hasMessageContaining(rank)
                .hasMessageContaining(said);
    }

    @Test
    void aSpecWithoutARankTrainsTheWeights() {
        Map<String, Object> spec = new HashMap<>(Map.of("preset", "gpt2", "lora_rank", 0));
        assertThat(CudaSpec.read(spec).loraRank()).isZero();
        spec.put("lora_rank", false);
        assertThat(CudaSpec.read(spec).loraRank()).isZero();
        spec.put("lora_rank", 8);
        assertThat(CudaSpec.read(spec).toBuilder().build().loraRank()).isEqualTo(8);
    }

    /** Two bytes a value, two scales in 32 bit for each 256 of them, small tensors in 32 bit, and the two maps of 256 values. */
    @ParameterizedTest
    @CsvSource({"gpt2, FP32", "gpt2, BF16", "ResNet50, FP32"})
    void eightBitAdamKeepsQuantizedStates(String preset, Precision precision) {
        CudaStep step = CudaSpec.read(Map.of("preset", preset, "optimizer", "Adam8bit", "batch", 2)).toBuilder()
                .precision(precision)
                .build();
        long states = step.model().weights().stream()
                .filter(weight -> weight.trained())
                .mapToLong(weight -> weight.count() < 4096
                        ? 8 * weight.count()
                        : 2 * weight.count() + 8 * ((weight.count() + 255) / 256))
                .sum();

        assertThat(states(step)).isEqualTo(states + 2 * 1024);
        assertThat(states(step.toBuilder().optimizer(OptimizerKind.ADAMW).build()))
                .isEqualTo(2 * precision.weightBytes() * step.model().parameters());
    }

    private static long states(CudaStep step) {
        var trace = step.trace();
        long bytes = 0;
        for (int event = 0; event < trace.events(); event++) {
            int id = trace.allocation(event);
            if (id >= 0
                    && trace.kind(event) == io.headroom.trace.Trace.Kind.ALLOC
                    && trace.operator(id).equals("optimizer state")) {
                bytes += trace.bytes(id);
            }
        }
        return bytes;
    }

    private static CudaStep.Builder gpt2() {
        return CudaStep.of(Preset.named("gpt2")).batch(8);
    }
}

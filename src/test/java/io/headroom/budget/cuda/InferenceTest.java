package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.Precision;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Forward passes alone allocate what PyTorch 2.6 allocates for {@code model.eval()} under {@code torch.no_grad()}.
 *
 * <p>{@code recorded-inference.jsonl} is made by {@code record_steps.py} beside it on fake CUDA tensors: peak of live blocks.
 */
class InferenceTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Stream<JsonNode> recorded() throws IOException {
        try (InputStream lines = InferenceTest.class.getResourceAsStream("recorded-inference.jsonl")) {
            return JSON.readerFor(JsonNode.class).<JsonNode>readValues(lines.readAllBytes()).readAll().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void allocatesAsRecorded(JsonNode run) {
        String attention = run.path("attention").asText("");
        CudaStep step = CudaStep.of(Preset.named(run.path("name").asText()))
                .batch(run.path("batch").asLong())
                .seq(run.path("seq").asLong(128))
                .image(run.path("image").asLong(224))
                .steps(run.path("steps").asInt())
                .precision(type(run, "precision", Precision.FP32))
                .autocast(type(run, "autocast", null))
                .attention(attention.isEmpty() ? null : Attention.valueOf(attention.toUpperCase(Locale.ROOT)))
                .inference(true)
                .keepOutputs(true)
                .build();

        long peak = run.path("peak").asLong();

        assertThat(live(step.trace())).isCloseTo(peak, within(peak / 500));
    }

    /** At the output layer: weights, masks, keys and values (with the queries they are views of), its input and its result. */
    @Test
    void isWhatOneAddsUpByHand() {
        long tokens = 8 * 256;
        long masks = 12 * (1024 * 1024 + 4);
        long queriesKeysValues = 12 * tokens * 3 * 768 * 4;
        long hidden = tokens * 768 * 4;
        long logits = tokens * 50257 * 4;
        long ids = tokens * 8;
        long workspace = (8192 + 128) * 1024L;

        CudaEstimate estimate = gpt2().inference(true).build().estimate();

        assertThat(estimate.weightsBytes()).isEqualTo(497_759_232 + masks);
        assertThat(estimate.gradientsBytes()).isZero();
        assertThat(estimate.optimizerBytes()).isZero();
        assertThat(estimate.activationsBytes()).isEqualTo(queriesKeysValues + hidden + logits + ids + workspace);
        long sum = estimate.weightsBytes() + estimate.activationsBytes();
        assertThat(estimate.peakAllocatedBytes())
                .as("and what the allocator rounds up by")
                .isBetween(sum, sum + Bytes.MIB);
        assertThat(estimate.peakPhase()).isEqualTo("forward of step 1");
        assertThat(estimate.upperBytes()).isGreaterThan(estimate.deviceBytes());
    }

    @Test
    void staysBelowTheForwardPassOfTraining() {
        long training = CudaFit.of(gpt2().build(), Bytes.GIB * 80).timeline().get("forward of step 1");

        assertThat(gpt2().inference(true).build().estimate().peakAllocatedBytes())
                .isLessThan(training);
    }

    @Test
    void aVariableThatHoldsTheOutputKeepsItsLogitsAndItsCache() {
        long tokens = 8 * 256;
        long alone = gpt2().inference(true).build().estimate().peakAllocatedBytes();
        long held = gpt2().inference(true).keepOutputs(true).build().estimate().peakAllocatedBytes();

        assertThat(held - alone).isEqualTo(tokens * 4 * (50257 + 12 * 3 * 768));
    }

    /** Python's caller holds what it passed, whatever the callee is done with: batch norm sees one value, as it may. */
    @Test
    void anImageNetworkTakesABatchOfOneSmallImage() {
        assertThat(CudaStep.of(Preset.named("ResNet50"))
                        .image(32)
                        .inference(true)
                        .build()
                        .estimate()
                        .gradientsBytes())
                .isZero();
    }

    @Test
    void onlyWhatHelpsAForwardPassIsOffered() {
        CudaFit fit = CudaFit.of(gpt2().seq(1024).batch(16).inference(true).build(), 4 * Bytes.GIB);

        assertThat(fit.changes())
                .extracting(CudaFit.Change::name)
                .contains("batch 8, 2 passes", "bfloat16 weights")
                .noneMatch(name -> name.contains("checkpointing") || name.contains("Adafactor"));
        assertThat(fit.changes()).allMatch(change -> change.savedBytes() > 0);
        assertThat(fit.verdict()).isEqualTo("does not fit");
        assertThat(fit.cheapest()).isPresent();
    }

    private static CudaStep.Builder gpt2() {
        return CudaStep.of(Preset.named("gpt2")).batch(8).seq(256);
    }

    static Precision type(JsonNode run, String key, Precision usual) {
        return switch (run.path(key).asText("")) {
            case "float16" -> Precision.FP16;
            case "bfloat16" -> Precision.BF16;
            default -> usual;
        };
    }

    static long live(Trace trace) {
        long live = 0;
        long peak = 0;
        for (int event = 0; event < trace.events(); event++) {
            int id = trace.allocation(event);
            if (id < 0) {
                continue;
            }
            long block = (trace.bytes(id) + 511) / 512 * 512;
            live += trace.kind(event) == Trace.Kind.ALLOC ? block : trace.kind(event) == Trace.Kind.FREE ? -block : 0;
            peak = Math.max(peak, live);
        }
        return peak;
    }
}

package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.trace.Trace;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.preset.ConfigFile;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A config.json's activation, dropouts, heads and ties need what PyTorch 2.6 allocates for them.
 *
 * <p>{@code recorded-configs.jsonl} is made by {@code record_steps.py} beside it from small models, on fake CUDA tensors: SGD, two
 * steps, peak of live blocks.
 */
class RecordedConfigsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Stream<JsonNode> recorded() throws IOException {
        try (InputStream lines = RecordedConfigsTest.class.getResourceAsStream("recorded-configs.jsonl")) {
            return JSON.readerFor(JsonNode.class).<JsonNode>readValues(lines.readAllBytes()).readAll().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void allocatesAsRecorded(JsonNode run) {
        String attention = run.path("attention").asText("");
        CudaStep step = CudaStep.of(
                        new Preset("mine", ConfigFile.parse(run.path("config").toString()), null))
                .optimizer(OptimizerKind.SGD)
                .batch(run.path("batch").asLong())
                .seq(run.path("seq").asLong())
                .steps(2)
                .attention(attention.isEmpty() ? null : Attention.valueOf(attention.toUpperCase(Locale.ROOT)))
                .build();

        long peak = run.path("peak").asLong();

        assertThat(live(step.trace())).isCloseTo(peak, within(peak / 200));
    }

    private static long live(Trace trace) {
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

package io.headroom.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.budget.cuda.CudaEstimate;
import io.headroom.workload.Precision;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Recorded peaks are read as record.py writes them. The lines here were written by hand, in its form: nothing was measured. */
class GpuRecordedTest {
    private static final String RUN =
            """
            {"model": "%s", "batch": 2, "seq": 128, "optimizer": "adamw", "amp": "%s", "attention": "eager", "checkpointing": false, \
            "conf": "%s", "cap": null, "gpu": "NVIDIA A100-SXM4-80GB", "torch": "2.6.0", "total": 85097971712, "context": 450000000, \
            "oom": null, "peak_allocated_bytes": %d, "peak_reserved_bytes": %d, "peak_requested_bytes": 1, "driver_used": 1}""";

    @Test
    void comparesBothPeaks() throws IOException {
        CudaEstimate estimate = GpuRecorded.step(new ObjectMapper().readTree(RUN.formatted("gpt2", "none", "", 1, 1)))
                .estimate();
        long allocated = Math.round(estimate.peakAllocatedBytes() / 1.01);
        long reserved = Math.round(estimate.peakReservedBytes() / 0.9);

        String report = GpuRecorded.report(List.of(RUN.formatted("gpt2", "none", "", allocated, reserved), ""));

        assertThat(report)
                .contains("| gpt2 2 128 adamw eager |", "| +1.0 |", "| -10.0 |")
                .contains("peak allocated, 1 runs | at most 2 % | 1.00 % | met |")
                .contains("peak reserved, 1 runs | at most 3 % | 10.00 % | MISSED |");
    }

    @Test
    void followsEveryModelAndTypeOfTheRecorder() throws IOException {
        for (String model : List.of("gpt2", "distilgpt2", "bert-base", "llama-160m", "gpt2-medium")) {
            var step = GpuRecorded.step(new ObjectMapper().readTree(RUN.formatted(model, "pure-bf16", "", 1, 1)));
            assertThat(step.precision()).isEqualTo(Precision.BF16);
            assertThat(step.capability()).isEqualTo(80);
            assertThat(step.model().language().cache()).isFalse();
        }
        var llama = GpuRecorded.step(new ObjectMapper().readTree(RUN.formatted("llama-160m", "fp16", "", 1, 1)));
        assertThat(llama.autocast()).isEqualTo(Precision.FP16);
        assertThat(llama.model().language().keyValueHeads()).isEqualTo(4);
    }

    @Test
    void saysWhatItLeavesOut() {
        String report = GpuRecorded.report(List.of(
                RUN.formatted("gpt2", "none", "", 5, 5),
                RUN.formatted("encoder-case2", "none", "", 5, 5),
                RUN.formatted("gpt2", "fp16", "expandable_segments:True", 5, 5)));

        assertThat(report)
                .contains("1 runs")
                .contains(
                        "not compared: encoder-case2", "not compared: gpt2 2 128 adamw eager fp16: allocator settings");
        assertThatThrownBy(() -> GpuRecorded.report(List.of("{\"model\": \"gpt2\"}")))
                .hasMessageContaining("line 1: no \"batch\"");
        assertThatThrownBy(() -> GpuRecorded.report(List.of("["))).hasMessageContaining("line 1: not a JSON object");
        assertThatThrownBy(() -> GpuRecorded.report(List.of())).hasMessageContaining("no run");
    }
}

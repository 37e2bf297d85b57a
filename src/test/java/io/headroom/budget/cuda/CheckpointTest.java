package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradient checkpointing keeps the input of each segment and computes the rest again. */
class CheckpointTest {
    private static final long BATCH = 4;
    private static final long SEQ = 256;

    private static CudaStep.Builder step(long layers, long vocab) {
        LanguageModel model = LanguageModel.of(Family.LLAMA)
                .hidden(512)
                .layers((int) layers)
                .heads(8)
                .intermediate(2048)
                .vocab(vocab)
                .build();
        return CudaStep.of(new Preset("own", model, null))
                .optimizer(OptimizerKind.SGD)
                .batch(BATCH)
                .seq(SEQ);
    }

    @Test
    void keepsOneInputALayer() {
        long few = step(4, 32_000).checkpointing(true).build().estimate().activationsBytes();
        long many = step(12, 32_000).checkpointing(true).build().estimate().activationsBytes();

        assertThat(many - few).isEqualTo(8 * BATCH * SEQ * 512 * 4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gpt2",
                "facebook/opt-350m",
                "EleutherAI/gpt-neo-125M",
                "bert-base-uncased",
                "deberta-base",
                "Qwen/Qwen3-0.6B",
                "google/gemma-2-2b-it",
                "EleutherAI/pythia-1b",
                "T5-small"
            })
    void lowersTheForwardPassOfEveryFamily(String name) {
        CudaStep.Builder step = CudaStep.of(Preset.named(name))
                .optimizer(OptimizerKind.SGD)
                .batch(2)
                .seq(512)
                .keepOutputs(false);
        LanguageModel model = step.build().model().language();
        Map<String, Long> without = CudaFit.of(step.build(), 1L << 40).timeline();
        Map<String, Long> with =
                CudaFit.of(step.checkpointing(true).build(), 1L << 40).timeline();

        long perLayer = 2L * 512 * model.hidden() * 4;
        assertThat(with.get("load")).isEqualTo(without.get("load"));
        assertThat(without.get("forward of step 2") - with.get("forward of step 2"))
                .isGreaterThan(6 * (model.layers() - 1) * perLayer);
    }

    @Test
    void leavesTheSameGradients() {
        CudaStep.Builder step = CudaStep.of(Preset.named("gpt2")).keepOutputs(false);
        Map<String, Long> without = left(step.build());
        Map<String, Long> with = left(step.checkpointing(true).build());

        assertThat(with).isEqualTo(without);
    }

    private static Map<String, Long> left(CudaStep step) {
        Map<String, Long> live = CudaFit.of(step, 1L << 40).timeline();
        return Map.of("after the update", live.get("input of step 3"), "loaded", live.get("load"));
    }

    @Test
    void growsWithTheBatchAndWithFewerSegments() {
        CudaStep.Builder step = step(12, 1000).checkpointing(12);
        List<Long> peaks = List.of(1L, 2L, 4L, 8L).stream()
                .map(batch -> step.batch(batch).build().estimate().peakAllocatedBytes())
                .toList();
        assertThat(peaks).isSorted().doesNotHaveDuplicates();

        long one = step.batch(BATCH).checkpointing(1).build().estimate().peakAllocatedBytes();
        long four = step.checkpointing(4).build().estimate().peakAllocatedBytes();
        assertThat(four).isLessThan(one);
    }

    @Test
    void makesScoresOfOneLayerAtATime() {
        CudaStep.Builder step = step(12, 1000).checkpointing(true).seq(1024);
        long fused = step.attention(Attention.SDPA).build().estimate().peakAllocatedBytes();
        long eager = step.attention(Attention.EAGER).build().estimate().peakAllocatedBytes();

        long scores = BATCH * 8 * 1024 * 1024 * 4;
        assertThat(eager - fused).isBetween(scores, 6 * scores);
    }

    @ParameterizedTest
    @CsvSource({"T5-small, 1, one by one", "VGG16, 1, image network", "gpt2, 13, from 0", "gpt2, -1, from 0"})
    void saysWhereItDoesNotApply(String name, long segments, String said) {
        CudaStep.Builder step = CudaStep.of(Preset.named(name)).checkpointing(segments);

        assertThatThrownBy(step::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("checkpointing " + segments)
                .hasMessageContaining(said);
    }

    @Test
    void isReadFromASpec() {
        assertThat(CudaSpec.read(Map.of("preset", "gpt2", "checkpointing", true))
                        .segments())
                .isEqualTo(12);
        assertThat(CudaSpec.read(Map.of("preset", "gpt2", "checkpointing", 3)).segments())
                .isEqualTo(3);
        assertThatThrownBy(() -> CudaSpec.read(Map.of("preset", "gpt2", "checkpointing", "some")))
                .hasMessageContaining("checkpointing");
    }
}

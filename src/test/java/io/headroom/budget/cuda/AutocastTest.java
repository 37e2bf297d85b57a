package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.trace.Trace;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Autocast copies weights once, saves matrix inputs in half and keeps norms, losses and gradients in fp32. */
class AutocastTest {
    private static final long BATCH = 2;
    private static final long SEQ = 48;
    private static final long HIDDEN = 128;
    private static final long WIDE = 4 * HIDDEN;
    private static final long VOCAB = 1000;
    private static final long TOKENS = BATCH * SEQ;

    /** One layer of GPT-2 without dropout: every tensor can be counted by hand. */
    private static CudaStep.Builder small(Precision half) {
        LanguageModel model = LanguageModel.of(Family.GPT2)
                .hidden(HIDDEN)
                .layers(1)
                .heads(2)
                .vocab(VOCAB)
                .positions(SEQ)
                .activation("gelu")
                .dropout(0)
                .attentionDropout(0)
                .build();
        return CudaStep.of(new Preset("small", model, null))
                .optimizer(OptimizerKind.SGD)
                .batch(BATCH)
                .seq(SEQ)
                .steps(1)
                .autocast(half);
    }

    private static List<Long> allocated(CudaStep step, String phase, String operator) {
        Trace trace = step.trace();
        String[] now = {""};
        return IntStream.range(0, trace.events())
                .filter(event -> {
                    if (trace.kind(event) == Trace.Kind.PHASE) {
                        now[0] = trace.label(event);
                    }
                    return trace.kind(event) == Trace.Kind.ALLOC
                            && now[0].startsWith(phase)
                            && trace.operator(trace.allocation(event)).equals(operator);
                })
                .mapToObj(event -> trace.bytes(trace.allocation(event)))
                .toList();
    }

    @Test
    void copiesEachMatrixInputAndEachWeightOnce() {
        CudaStep step = small(Precision.FP16).build();

        assertThat(allocated(step, "forward", "to"))
                .containsExactly(
                        2 * HIDDEN * 3 * HIDDEN, // c_attn: weight, input, bias
                        2 * TOKENS * HIDDEN,
                        2 * 3 * HIDDEN,
                        2 * HIDDEN * HIDDEN, // c_proj: its input is half already
                        2 * HIDDEN,
                        2 * HIDDEN * WIDE, // c_fc
                        2 * TOKENS * HIDDEN,
                        2 * WIDE,
                        2 * WIDE * HIDDEN, // mlp.c_proj
                        2 * HIDDEN,
                        2 * VOCAB * HIDDEN, // the output layer
                        2 * TOKENS * HIDDEN,
                        4 * TOKENS * VOCAB); // logits.float()
    }

    @Test
    void writesMatrixProductsInHalfAndNormsInFull() {
        CudaStep step = small(Precision.FP16).build();

        assertThat(allocated(step, "forward", "addmm"))
                .containsExactly(2 * TOKENS * 3 * HIDDEN, 2 * TOKENS * HIDDEN, 2 * TOKENS * WIDE, 2 * TOKENS * HIDDEN);
        assertThat(allocated(step, "forward", "mm")).containsExactly(2 * TOKENS * VOCAB);
        assertThat(allocated(step, "forward", "native_layer_norm")).contains(4 * TOKENS * HIDDEN, 4 * TOKENS);
        assertThat(allocated(step, "forward", "_log_softmax")).containsExactly(4 * TOKENS * VOCAB);
    }

    @Test
    void leavesGradientsInFull() {
        CudaStep plain = small(null).build();
        CudaStep cast = small(Precision.BF16).build();

        assertThat(allocated(cast, "backward", "gradient"))
                .containsExactlyInAnyOrderElementsOf(allocated(plain, "backward", "gradient"));
    }

    /** Softmax reads fp16 itself, bf16 through a copy of the scores in fp32; its result goes back to half. */
    @ParameterizedTest
    @CsvSource({"FP16, 1", "BF16, 2"})
    void widensScoresOfBfloatBeforeTheSoftmax(Precision half, int copies) {
        long scores = BATCH * 2 * SEQ * SEQ;
        CudaStep step = small(half).attention(Attention.EAGER).build();

        assertThat(allocated(step, "forward", "softmax")).containsExactly(4 * scores);
        assertThat(allocated(step, "forward", "to").stream()
                        .filter(bytes -> bytes == 2 * scores || bytes == 4 * scores)
                        .toList())
                .hasSize(copies);
    }

    /** Under checkpointing no half weight is saved by the graph: the context keeps all until it is left. */
    @Test
    void keepsCopiesUntilTheContextIsLeft() {
        LanguageModel model = LanguageModel.of(Family.LLAMA)
                .hidden(512)
                .layers(8)
                .heads(8)
                .vocab(1000)
                .build();
        CudaStep step = CudaStep.of(new Preset("own", model, null))
                .optimizer(OptimizerKind.SGD)
                .seq(16)
                .steps(1)
                .checkpointing(true)
                .autocast(Precision.BF16)
                .build();
        Map<String, Long> with = CudaFit.of(step, 1L << 40).timeline();

        long matrices = model.weights().stream()
                        .filter(weight -> weight.shape().size() == 2)
                        .mapToLong(weight -> weight.count())
                        .sum()
                - 1000 * 512; // the embedding table is looked up, never multiplied
        assertThat(with.get("forward of step 1") - with.get("load")).isGreaterThan(2 * matrices);
        assertThat(with.get("forward of step 1") - with.get("load")).isLessThan(3 * matrices);
    }

    @Test
    void makesActivationsOfConvolutionsHalf() {
        CudaStep.Builder step = CudaStep.of(Preset.named("ResNet50"))
                .optimizer(OptimizerKind.SGD)
                .batch(64)
                .keepOutputs(false);
        long full = step.build().estimate().activationsBytes();
        long half = step.autocast(Precision.BF16).build().estimate().activationsBytes();

        assertThat((double) half / full).isBetween(0.48, 0.55);
    }

    @Test
    void costsMemoryWhereWeightsOutweighActivations() {
        CudaStep.Builder step = CudaStep.of(Preset.named("meta-llama/Llama-3.2-3B-Instruct"))
                .optimizer(OptimizerKind.SGD)
                .seq(16);
        String forward = "forward of step 1";
        long full = CudaFit.of(step.build(), 1L << 40).timeline().get(forward);
        long half = CudaFit.of(step.autocast(Precision.BF16).build(), 1L << 40)
                .timeline()
                .get(forward);

        assertThat(half).isGreaterThan(full + 2 * 3_000_000_000L);
    }

    @ParameterizedTest
    @CsvSource({
        "autocast, FP32, FP16",
        "autocast-fp16, FP32, FP16",
        "Autocast_BF16, FP32, BF16",
        "bf16, BF16,",
        "fp32, FP32,"
    })
    void isReadFromASpec(String written, Precision precision, Precision autocast) {
        CudaStep step = CudaSpec.read(Map.of("preset", "gpt2", "precision", written));

        assertThat(step.precision()).isEqualTo(precision);
        assertThat(step.autocast()).isEqualTo(autocast);
    }

    @Test
    void takesThePrecisionOfWorkloads() {
        CudaStep step = small(null).precision(Precision.AUTOCAST).build();

        assertThat(step).isEqualTo(small(Precision.FP16).build());
        assertThatThrownBy(() -> small(Precision.FP32).build()).hasMessageContaining("autocast FP32");
    }
}

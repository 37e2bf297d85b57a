package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headroom.trace.Trace;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.Preset;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

/**
 * Steps under autocast, in half precision and with checkpointing allocate what PyTorch 2.6 allocates.
 *
 * <p>The figures are made by {@code record_steps.py} beside the file: real autocast, autograd and optimizers on fake CUDA
 * tensors. Where the sequence is the same it is compared event for event, else the peak of live bytes is, within 0.2 %.
 * Workspaces that kernels take inside an operator are no part of a recording.
 */
class RecordedTypesTest {
    @ParameterizedTest
    @CsvFileSource(resources = "/io/headroom/budget/cuda/recorded-types.csv", numLinesToSkip = 1)
    void allocatesAsRecorded(
            String model,
            String optimizer,
            long batch,
            long seq,
            long image,
            long classes,
            int zeroGrad,
            int steps,
            String autocast,
            String precision,
            boolean checkpointing,
            String attention,
            long peak,
            String sequence,
            boolean identical)
            throws Exception {
        CudaStep step = CudaStep.of(Preset.named(model, classes))
                .optimizer(OptimizerKind.valueOf(optimizer.toUpperCase(Locale.ROOT)))
                .batch(batch)
                .seq(seq)
                .image(image)
                .zeroGrad(List.of(ZeroGrad.BEFORE_FORWARD, ZeroGrad.BEFORE_BACKWARD, ZeroGrad.AFTER_STEP)
                        .get(zeroGrad))
                .steps(steps)
                .autocast(type(autocast))
                .precision(precision == null ? Precision.FP32 : type(precision))
                .checkpointing(checkpointing)
                .attention(attention == null ? null : Attention.valueOf(attention.toUpperCase(Locale.ROOT)))
                .build();

        Replayed ours = Replayed.of(step.trace());

        assertThat(ours.peak()).isCloseTo(peak, within(peak / 500));
        assertThat(ours.sequence().equals(sequence)).isEqualTo(identical);
    }

    private static Precision type(String torch) {
        return torch == null ? null : torch.equals("float16") ? Precision.FP16 : Precision.BF16;
    }

    /** The peak of blocks rounded to 512 bytes, and sizes in order with those freed between two of them. */
    private record Replayed(long peak, String sequence) {
        static Replayed of(Trace trace) throws Exception {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            List<Integer> freed = new ArrayList<>();
            Map<Integer, Integer> numbers = new HashMap<>();
            long live = 0;
            long peak = 0;
            for (int event = 0; event < trace.events(); event++) {
                int id = trace.allocation(event);
                if (id < 0 || trace.operator(id).matches("(cudnn|flash) workspace")) {
                    continue;
                }
                long block = (trace.bytes(id) + 511) / 512 * 512;
                if (trace.kind(event) == Trace.Kind.FREE) {
                    freed.add(numbers.get(id));
                    live -= block;
                } else if (trace.kind(event) == Trace.Kind.ALLOC) {
                    if (!freed.isEmpty()) {
                        List<String> sorted =
                                freed.stream().sorted().map(String::valueOf).toList();
                        digest.update(("f" + String.join(",", sorted) + "\n").getBytes(StandardCharsets.UTF_8));
                        freed.clear();
                    }
                    numbers.put(id, numbers.size());
                    digest.update(("a" + trace.bytes(id) + "\n").getBytes(StandardCharsets.UTF_8));
                    live += block;
                    peak = Math.max(peak, live);
                }
            }
            return new Replayed(peak, HexFormat.of().formatHex(digest.digest()));
        }
    }
}

package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.Preset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A step fits on a card or not, and changes say what they save. */
class CudaFitTest {
    private static final CudaStep STEP =
            CudaStep.of(Preset.named("gpt2")).batch(35).build();

    @Test
    void fitsOnALargeCardOnly() {
        assertThat(CudaFit.of(STEP, Bytes.parse("40 GiB")).verdict()).isEqualTo("fits");
        assertThat(CudaFit.of(STEP, Bytes.parse("8 GiB")).verdict()).isEqualTo("does not fit");
    }

    @Test
    void offersChangesThatMakeItFit() {
        CudaFit fit = CudaFit.of(STEP, Bytes.parse("8 GiB"));

        assertThat(fit.thatFit()).isNotEmpty().allSatisfy(change -> {
            assertThat(change.savedBytes()).isPositive();
            assertThat(CudaFit.of(change.step(), Bytes.parse("8 GiB")).verdict())
                    .isEqualTo("fits");
        });
        assertThat(fit.toString()).contains("does not fit", "batch 18, accumulated twice");
    }

    /** Gradients of the micro-batches before live on while the next runs. */
    @Test
    void keepsGradientsWhileItAccumulates() {
        CudaFit fit = CudaFit.of(STEP, Bytes.parse("12.4 GiB"));
        CudaFit.Change twice = fit.changes().stream()
                .filter(change -> change.name().contains("accumulated twice"))
                .findFirst()
                .orElseThrow();
        CudaStep.Builder smaller = STEP.toBuilder().batch(18).card(Bytes.parse("12.4 GiB"));

        assertThat(twice.step().zeroGrad()).isEqualTo(ZeroGrad.IN_PLACE);
        assertThat(twice.step().batch()).isEqualTo(18);
        assertThat(twice.estimate().deviceBytes())
                .isEqualTo(
                        smaller.zeroGrad(ZeroGrad.IN_PLACE).build().estimate().deviceBytes())
                .isGreaterThan(smaller.zeroGrad(ZeroGrad.BEFORE_FORWARD)
                                .build()
                                .estimate()
                                .deviceBytes()
                        + 100 * Bytes.MIB);
    }

    /** Smaller batches change what batch norm computes, and one value a channel it refuses. */
    @Test
    void saysWhatAccumulationChanges() {
        CudaStep.Builder net = CudaStep.of(Preset.named("ResNet50")).batch(8);
        assertThat(CudaFit.of(net.build(), Bytes.parse("8 GiB")).changes())
                .filteredOn(change -> change.name().contains("accumulated"))
                .extracting(CudaFit.Change::cost)
                .containsExactlyInAnyOrder(
                        "some time; batch norm sees 4", "some time; batch norm sees 2", "time; batch norm sees 1");
        assertThat(CudaFit.of(net.image(32).build(), Bytes.parse("8 GiB")).changes())
                .filteredOn(change -> change.name().contains("accumulated"))
                .extracting(CudaFit.Change::name)
                .containsExactly("batch 4, accumulated twice", "batch 2, accumulated 4 times");
        assertThat(CudaFit.of(CudaStep.of(Preset.named("VGG16")).batch(8).build(), Bytes.parse("8 GiB"))
                        .changes())
                .filteredOn(change -> change.name().contains("accumulated"))
                .noneMatch(change -> change.cost().contains("norm"));
    }

    @Test
    void findsTheCheapestSetThatFits() {
        CudaFit.Change free =
                CudaFit.of(STEP, Bytes.parse("12.7 GiB")).cheapest().orElseThrow();
        assertThat(free.name()).isEqualTo("let go of the output");

        CudaFit.Change several =
                CudaFit.of(STEP, Bytes.parse("3.2 GiB")).cheapest().orElseThrow();
        assertThat(several.name()).contains(" + ");
        assertThat(CudaFit.of(several.step(), Bytes.parse("3.2 GiB")).verdict()).isEqualTo("fits");

        assertThat(CudaFit.of(STEP, Bytes.parse("40 GiB")).advice()).isEqualTo("It fits as it is.");
        assertThat(CudaFit.of(STEP, Bytes.parse("600 MiB")).advice()).contains("smaller model");
    }

    @Test
    void followsThePhases() {
        CudaFit fit = CudaFit.of(STEP, Bytes.parse("8 GiB"));

        Map<String, Long> phases = fit.timeline();
        assertThat(phases.keySet())
                .startsWith("load", "input of step 1", "forward of step 1", "backward of step 1", "optimizer of step 1")
                .endsWith("optimizer of step 4");
        long peak = fit.step().trace().peakLive().bytes();
        assertThat(phases.get(fit.estimate().peakPhase())).isEqualTo(peak);
        assertThat(Collections.max(phases.values())).isEqualTo(peak);
        assertThat(phases.get("load")).isEqualTo(fit.estimate().weightsBytes());
        assertThat(phases.get("optimizer of step 1"))
                .isGreaterThanOrEqualTo(4 * 4 * STEP.model().parameters());
    }

    /** Turing and Volta compute no bfloat16. */
    @ParameterizedTest
    @CsvSource({"T4, 128", "V100 16GB, 160"})
    void offersFloat16WhereThereIsNoBfloat16(String card, long batch) {
        CudaStep step = CudaStep.of(Preset.named("ResNet50")).batch(batch).build();

        CudaFit fit = CudaFit.of(step, Cards.named(card));

        assertThat(fit.changes())
                .extracting(CudaFit.Change::name)
                .contains("autocast to float16")
                .noneMatch(name -> name.contains("bfloat16"));
        assertThat(fit.advice()).contains("autocast to float16", "It costs some accuracy", "GradScaler");
    }

    @Test
    void saysWhichCardsComputeBfloat16() {
        CudaStep step = CudaStep.of(Preset.named("ResNet50")).batch(128).build();

        assertThat(CudaFit.of(step, Cards.bytes("T4")).advice())
                .contains("autocast to bfloat16")
                .contains("Ampere or newer");
        assertThat(CudaFit.of(step, Cards.named("A10G")).changes())
                .extracting(CudaFit.Change::name)
                .contains("autocast to bfloat16", "pure bfloat16");
    }

    /** No smaller micro-batch than needed. */
    @Test
    void takesTheLargestMicroBatchThatFits() {
        CudaStep step = STEP.toBuilder().batch(64).build();

        assertThat(CudaFit.of(step, Bytes.parse("8 GiB")).advice()).contains("batch 16, accumulated 4 times");
        assertThat(CudaFit.of(step, Bytes.parse("6 GiB")).advice()).contains("batch 8, accumulated 8 times");
    }

    /** transformers leaves the cap of the scores out of Gemma 2's fused attention: another model. */
    @Test
    void doesNotFuseWhatTrainsAnotherModel() {
        CudaStep.Builder step =
                CudaStep.of(Preset.named("google/gemma-2-2b-it")).seq(512).attention(Attention.EAGER);

        assertThat(CudaFit.of(step.build(), Bytes.parse("24 GiB")).changes())
                .extracting(CudaFit.Change::name)
                .doesNotContain("fused attention");
        assertThat(CudaFit.of(STEP.toBuilder().attention(Attention.EAGER).build(), Bytes.parse("24 GiB"))
                        .changes())
                .extracting(CudaFit.Change::name)
                .contains("fused attention");
    }

    @Test
    void estimatesEachStepOnceAndTellsOfIt() {
        List<String> told = new ArrayList<>();
        CudaFit fit =
                CudaFit.of(CudaStep.of(Preset.named("gpt2")).batch(35).build(), Cards.named("RTX 3060"), told::add);

        assertThat(told).hasSizeGreaterThan(fit.changes().size()).doesNotHaveDuplicates();
        assertThat(told).startsWith("estimate 1", "estimate 2");
        assertThat(told.size()).isLessThan(3 * (fit.changes().size() + 1));
    }

    private static CudaFit.Change named(CudaFit fit, String name) {
        return fit.changes().stream()
                .filter(change -> change.name().startsWith(name))
                .findFirst()
                .orElseThrow();
    }

    /** What people train Llama-3.2-3B with on a card of 24 GB. */
    @Test
    void offersLoraAndEightBitAdam() {
        CudaStep step =
                CudaStep.of(Preset.named("meta-llama/Llama-3.2-3B-Instruct")).build();
        CudaFit fit = CudaFit.of(step, Cards.named("RTX 4090"));
        CudaFit.Change lora = named(fit, "LoRA");
        CudaFit.Change adam = named(fit, "8-bit Adam");

        assertThat(fit.verdict()).isEqualTo("does not fit");
        assertThat(fit.verdict(lora)).isEqualTo("fits");
        assertThat(lora.step().loraRank()).isEqualTo(8);
        assertThat(lora.cost()).contains("adapters alone learn", "Hu et al. 2021", "peft");
        assertThat(lora.code()).isEqualTo("model = peft.get_peft_model(model, peft.LoraConfig(r=8))");
        assertThat(adam.cost()).contains("hardly any accuracy (Dettmers et al. 2022)", "bitsandbytes", "CUDA");
        assertThat(adam.code()).isEqualTo("optimizer = bitsandbytes.optim.AdamW8bit(model.parameters())");
        assertThat(adam.savedBytes()).isGreaterThan(5 * step.model().parameters());
        assertThat(fit.advice()).contains("8-bit Adam + pure bfloat16, 20.86 GiB");
        assertThat(lora.estimate().deviceBytes()).isBetween(Bytes.parse("12.9 GiB"), Bytes.parse("13 GiB"));
        assertThat(fit.toString()).contains(lora.code()).contains(adam.code());
    }

    @Test
    void doesNotOfferThemWhereTheyCannotHelp() {
        assertThat(offers(STEP.toBuilder().optimizer(OptimizerKind.SGD)))
                .contains("LoRA")
                .doesNotContain("8-bit Adam");
        assertThat(offers(STEP.toBuilder().optimizer(OptimizerKind.RMSPROP))).doesNotContain("8-bit Adam");
        assertThat(offers(STEP.toBuilder().optimizer(OptimizerKind.ADAM8BIT)))
                .doesNotContain("8-bit Adam")
                .contains("LoRA");
        assertThat(offers(STEP.toBuilder().inference(true))).doesNotContain("LoRA", "8-bit Adam");
        assertThat(offers(STEP.toBuilder().loraRank(4))).doesNotContain("LoRA");
        assertThat(offers(CudaStep.of(Preset.named("ResNet50")).batch(8)))
                .contains("8-bit Adam")
                .doesNotContain("LoRA");
        assertThat(CudaFit.of(STEP.toBuilder().loraRank(8).build(), Bytes.parse("8 GiB"))
                        .changes())
                .filteredOn(change -> change.name().equals("8-bit Adam"))
                .allMatch(change -> change.savedBytes() > 0);
    }

    /** Smaller states leave as large a hole there: no saving alone, 800 MiB less beside a smaller batch. */
    @Test
    void searchesWhatSavesBesideAnotherAlone() {
        CudaStep step = CudaStep.of(Preset.named("gpt2"))
                .batch(4)
                .seq(1024)
                .keepOutputs(false)
                .build();
        List<String> sets = new ArrayList<>();
        for (String card : List.of("7.66 GiB", "3.2 GiB", "2.9 GiB", "2.6 GiB", "2.3 GiB")) {
            CudaFit.of(step, Bytes.parse(card)).cheapest().ifPresent(set -> sets.add(set.name()));
        }
        assertThat(sets).anyMatch(set -> set.contains(" + 8-bit Adam"));
    }

    private static List<String> offers(CudaStep.Builder step) {
        return CudaFit.of(step.build(), Bytes.parse("8 GiB")).changes().stream()
                .map(change -> change.name().replaceAll("LoRA.*", "LoRA"))
                .toList();
    }

    /** Adapters train another thing than was asked: the dearest change of all. */
    @Test
    void takesAdaptersLast() {
        for (String card : List.of("12.4 GiB", "8 GiB", "6 GiB")) {
            assertThat(CudaFit.of(STEP, Bytes.parse(card)).advice()).doesNotContain("LoRA");
        }
        CudaStep llama =
                CudaStep.of(Preset.named("meta-llama/Llama-3.2-3B-Instruct")).build();
        assertThat(CudaFit.of(llama, Bytes.parse("10 GiB")).advice()).contains("LoRA adapters of rank 8");
    }

    /** Where none fits there would be 192 sets of changes. */
    @ParameterizedTest
    @CsvSource({
        "gpt2, 35, RTX 3060, 24",
        "gpt2, 64, 3 GiB, 50",
        "gpt2, 1000, 2 GiB, 60",
        "meta-llama/Llama-3.2-3B-Instruct, 1, RTX 4090, 24",
        "meta-llama/Llama-3.2-3B-Instruct, 8, 3 GiB, 24",
        "ResNet50, 256, 2 GiB, 50"
    })
    void estimatesNoMoreStepsThanNeeded(String preset, long batch, String card, int most) {
        List<String> told = new ArrayList<>();
        CudaFit.of(CudaStep.of(Preset.named(preset)).batch(batch).build(), Cards.named(card), told::add);

        assertThat(told).hasSizeLessThanOrEqualTo(most);
    }
}

package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.budget.Estimate;
import io.headroom.budget.Fit;
import io.headroom.budget.Verdict;
import io.headroom.budget.cuda.Cards;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.render.Bundle;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One cell says whether a published model or a workload fits, or what to write instead. */
class FitsTest {
    private static final Workload STEP = Headroom.mlp().batch(64);

    @Test
    void takesAModelAndACardByTheirNames() {
        assertThat(Headroom.fits("gpt2", "RTX 3060").verdict()).isEqualTo("fits");
        assertThat(Headroom.fits("Qwen/Qwen3-4B", "T4").verdict()).isEqualTo("does not fit");
        assertThat(Headroom.fits(Headroom.preset("vgg16").batch(64), "24 GiB")
                        .step()
                        .batch())
                .isEqualTo(64);
    }

    @Test
    void aModelThatIsOnlyDescribedSaysWhatItIs() {
        assertThat(Views.find(Headroom.preset("gpt2").batch(35)).orElseThrow().plain())
                .startsWith("openai-community/gpt2, batch 35, seq 128, adamw. fits(…");
        assertThat(Views.find(Headroom.preset("ResNet50", 10)).orElseThrow().plain())
                .contains("image 224");
        assertThat(Views.find(Headroom.preset("gpt2").batch(0)).orElseThrow().plain())
                .contains("batch 0");
    }

    @Test
    void takesAWorkloadAndASizeOrDevice() {
        assertThat(Headroom.fits(STEP, "64 GiB").verdict()).isEqualTo(Verdict.FITS);
        assertThat(Headroom.fits(STEP, "1 KiB").verdict()).isEqualTo(Verdict.DOES_NOT_FIT);
        Fit card = Headroom.fits(STEP, "A100 40GB");
        assertThat(card.estimate().workload().device()).isEqualTo("A100 40GB");
    }

    /** A model of sizes and a published one: the card has as much for both. */
    @ParameterizedTest
    @CsvSource({"T4 16GB, 14.56", "L40S 48GB, 44.39", "V100 16GB, 15.77", "A100 80GB, 79.14", "RTX 3060 12GB, 11.76"})
    void aCardHasNoMoreThanItsDriverCounts(String name, double gibibytes) {
        Fit fit = Headroom.fits(STEP, name);
        assertThat(fit.limitBytes()).isLessThan((long) (gibibytes * Bytes.GIB) - 400 * Bytes.MIB);
        assertThat(fit.limitBytes() + CudaFit.CONTEXT_BYTES).isEqualTo(Cards.bytes(name));
        assertThat(fit.estimate().deviceBytes()).isEqualTo(fit.estimate().peakReservedBytes());
    }

    @Test
    void theDeviceThatAStepNamesIsTheLimit() {
        Workload step = Headroom.transformer().seq(80).layers(2).device("A100 40GB");
        Workload largest = Headroom.largestBatch(step);
        assertThat(Headroom.fits(largest, "A100 40GB").verdict()).isEqualTo(Verdict.FITS);
        assertThat(Headroom.fits(largest.batch(largest.batch() + 1), "A100 40GB")
                        .verdict())
                .isNotEqualTo(Verdict.FITS);
        assertThat(Headroom.cheapest(largest).estimate()).isEqualTo(Estimate.of(largest));
        assertThat(Headroom.largestBatch(step, "1 GiB").batch()).isLessThan(largest.batch());
        Workload huge = step.dModel(65_536).ff(262_144).layers(8);
        assertThatThrownBy(() -> Headroom.largestBatch(huge)).hasMessageContaining("38.73 GiB (A100 40GB)");
    }

    /** As fits(step, "T4") does: the step is then for that device. */
    @Test
    void everyCellTakesACardByItsName() {
        Workload step = Headroom.transformer().seq(80).layers(2);
        Workload there = step.device("T4 16GB");

        assertThat(Headroom.largestBatch(step, "T4")).isEqualTo(Headroom.largestBatch(there));
        assertThat(Headroom.fits(Headroom.largestBatch(step, "NVIDIA T4"), "T4").verdict())
                .isEqualTo(Verdict.FITS);
        assertThat(Headroom.cheapest(step.batch(4096), "T4").estimate())
                .isEqualTo(Headroom.cheapest(there.batch(4096)).estimate());
        assertThat(Headroom.budget(step, "T4").workload()).isEqualTo(there);
        assertThatThrownBy(() -> Headroom.cheapest(step, "GTX 1")).hasMessageContaining("RTX 3060 12GB");
        assertThatThrownBy(() -> Headroom.largestBatch(step, "V100")).hasMessageContaining("V100 16GB, V100 32GB");
        assertThatThrownBy(() -> Headroom.largestBatch(step, "9 parsecs")).hasMessageContaining("is not a size");
        assertThatThrownBy(() -> Headroom.budget(step, null)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void isShownAsHtml() {
        assertThat(Views.find(Headroom.fits("gpt2", "24 GiB")).orElseThrow().data())
                .containsKey(Bundle.HTML);
        assertThat(Views.find(Headroom.fits(STEP, "64 GiB")).orElseThrow().plain())
                .contains("fits");
    }

    @Test
    void saysWhatToWriteInstead() {
        assertThatThrownBy(() -> Headroom.fits("gtp2", "24 GiB")).hasMessageContaining("openai-community/gpt2");
        assertThatThrownBy(() -> Headroom.fits("gpt2", "GTX 1")).hasMessageContaining("RTX 3060 12GB");
        assertThatThrownBy(() -> Headroom.fits("gpt2", "24 parsecs")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Headroom.fits((CudaStep.Builder) null, "24 GiB"))
                .hasMessageContaining("preset(");
        assertThatThrownBy(() -> Headroom.fits((Workload) null, "24 GiB")).hasMessageContaining("fits(null)");
        assertThatThrownBy(() -> Headroom.fits(STEP, "GTX 1")).hasMessageContaining("RTX 3060 12GB");
        assertThatThrownBy(() -> Headroom.fits(STEP, (String) null)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void takesClassesAndAConfigFile(@TempDir Path folder) throws IOException {
        assertThat(Headroom.preset("VGG16", 10).build().model().parameters()).isEqualTo(134_301_514);
        Path config = Files.writeString(
                Files.createDirectory(folder.resolve("mine")).resolve("config.json"),
                "{\"model_type\": \"gpt2\", \"n_layer\": 6}");
        CudaFit fit = Headroom.fits(Headroom.preset(config).batch(4), "RTX 3060");
        assertThat(fit.step().model().name()).isEqualTo("mine");
        assertThat(fit.step().model().parameters()).isEqualTo(81_912_576);

        assertThatThrownBy(() -> Headroom.fits("llama", "24 GiB"))
                .hasMessageContaining("preset(Path.of(\"config.json\")) in a cell");
        assertThatThrownBy(() -> Headroom.preset("VGG16", 0)).hasMessageContaining("classes 0");
        assertThatThrownBy(() -> Headroom.preset(folder)).hasMessageContaining("is a folder");
        assertThatThrownBy(() -> Headroom.preset((Path) null)).hasMessageContaining("preset(null)");
    }
}

package io.headroom.remedy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class RemediesTest {
    private static final Workload CASE2 = Workload.transformer()
            .batch(64)
            .nodes(25)
            .seq(80)
            .heads(8)
            .dModel(128)
            .layers(2)
            .features(7)
            .training(OptimizerKind.ADAM);

    @Test
    void everyRemedyTellsWhatItDoesItsCostAndItsCode() {
        assertThat(Remedies.all()).hasSizeGreaterThanOrEqualTo(20).allSatisfy(remedy -> {
            assertThat(remedy.what()).endsWith(".");
            assertThat(remedy.cost().note()).endsWith(".");
            assertThat(remedy.cost().toString()).contains(" · ");
            assertThat(remedy.how(CASE2)).isNotBlank();
        });
        assertThat(new HashSet<>(Remedies.all().stream().map(Remedy::name).toList()))
                .hasSameSizeAs(Remedies.all());
    }

    @Test
    void aNameFindsItsRemedyInAnyCase() {
        assertThat(Remedies.byName("lora").name()).isEqualTo("LoRA");
        assertThatThrownBy(() -> Remedies.byName("magic"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"magic\"")
                .hasMessageContaining("gradient checkpointing");
        assertThatThrownBy(() -> Remedies.byName(null)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aRemedyIsAFunctionFromAWorkloadToAWorkload() {
        assertThat(Remedies.batch(8).apply(CASE2).sequences()).isEqualTo(200);
        assertThat(Remedies.centreNodes(6).apply(CASE2).sequences()).isEqualTo(768);
        assertThat(Remedies.accumulate(8).apply(CASE2).sequences()).isEqualTo(200);
        assertThat(Remedies.accumulate(8).apply(CASE2).batch()).isEqualTo(64);
        assertThat(Remedies.width(64).apply(CASE2).dModel()).isEqualTo(64);
        assertThat(Remedies.seq(40).apply(CASE2).seq()).isEqualTo(40);
        assertThat(Remedies.halfPrecision().apply(CASE2).precision()).isEqualTo(Precision.AUTOCAST);
        assertThat(Remedies.lora(4).apply(CASE2).loraRank()).isEqualTo(4);
        assertThat(Remedies.checkpointing(2).apply(CASE2).checkpointing()).isEqualTo(2);
    }

    @Test
    void theSavingIsTheDifferenceOfTwoEstimates() {
        Saving saving = Remedies.batch(8).saving(CASE2).orElseThrow();
        assertThat(saving.bytes())
                .isEqualTo(saving.before().deviceBytes() - saving.after().deviceBytes());
        assertThat(saving.share()).isBetween(0.8, 0.9);
        assertThat(saving.fits(Bytes.parse("9.07 GiB"))).isTrue();
        assertThat(saving.toString()).contains("GiB of");
    }

    @Test
    void theApplicableOnesComeWithTheLargestSavingFirst() {
        List<Remedy> remedies = Remedies.applicableTo(CASE2);
        assertThat(remedies)
                .extracting(Remedy::name)
                .contains("smaller batch", "LoRA")
                .doesNotContain("MPS high watermark");
        List<Long> savings = remedies.stream()
                .flatMap(remedy -> remedy.saving(CASE2).stream())
                .map(Saving::bytes)
                .toList();
        assertThat(savings).isSortedAccordingTo(java.util.Comparator.reverseOrder());
    }

    @Test
    void remediesCompose() {
        Remedy both = Remedies.batch(32).then(Remedies.accumulate(4));
        assertThat(both.apply(CASE2).microBatch()).isEqualTo(8);
        assertThat(both.title()).isEqualTo("smaller batch, batch 32 + gradient accumulation, 4 micro-batches");
        assertThat(Remedies.batch(2).then(Remedies.accumulate(4)).obstacle(CASE2))
                .isPresent();
    }

    @Test
    void anObstacleSaysWhyAndApplyingThrowsIt() {
        assertThat(Remedies.accumulate(5).obstacle(CASE2)).contains("5 steps do not divide the batch of 64");
        assertThatThrownBy(() -> Remedies.accumulate(5).apply(CASE2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("5 steps do not divide the batch of 64");
        assertThat(Remedies.checkpointing(3).obstacle(CASE2).orElseThrow()).contains("3 segments");
        assertThat(Remedies.lora(8).obstacle(Workload.mlp()).orElseThrow()).contains("no attention layers");
        assertThat(Remedies.halfPrecision().obstacle(Workload.lstm()).orElseThrow())
                .contains("DJL's LSTM");
        assertThat(Remedies.batch(64).obstacle(CASE2).orElseThrow()).contains("not below");
        assertThat(Remedies.batch(8).obstacle(CASE2.batch(1)).orElseThrow()).contains("1 already");
        assertThat(Remedies.checkpointing(2).obstacle(CASE2.inference()).orElseThrow())
                .contains("inference");
    }

    @Test
    void badSettingsAreRefused() {
        assertThatThrownBy(() -> Remedies.accumulate(0)).hasMessageContaining("accumulation steps = 0");
        assertThatThrownBy(() -> Remedies.checkpointing(-1)).hasMessageContaining("segments = -1");
        assertThatThrownBy(() -> Remedies.prefetch(-1)).hasMessageContaining("prefetch = -1");
        assertThatThrownBy(() -> Remedies.precision(Precision.BF16))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bf16")
                .hasMessageContaining("Use fp16");
    }

    @Test
    void theBatchThatFitsJumpsStraightToIt() {
        Workload cheaper =
                Remedies.batchThatFits(CASE2, Bytes.parse("9.07 GiB")).apply(CASE2);
        assertThat(cheaper.batch()).isBetween(8L, 63L);
    }

    @Test
    void whenNotEvenOneSampleFitsItSaysWhatIsLeftToTry() {
        assertThatThrownBy(() -> Remedies.batchThatFits(CASE2, Bytes.parse("20 MiB")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not even a batch of 1 fits 20.00 MiB")
                .hasMessageContaining("shorter sequences");
    }
}

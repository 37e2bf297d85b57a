package io.headroom.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import org.junit.jupiter.api.Test;

class WorkloadTest {
    static final Workload CASE_2 = Workload.transformer()
            .batch(64)
            .nodes(25)
            .seq(80)
            .heads(8)
            .dModel(128)
            .layers(2)
            .features(7)
            .training(OptimizerKind.ADAM);

    @Test
    void sequencesAreBatchTimesNodes() {
        assertThat(CASE_2.sequences()).isEqualTo(1600);
        assertThat(CASE_2.inputShape()).isEqualTo(new Shape(1600, 80, 7));
    }

    @Test
    void defaultsArePyTorchs() {
        assertThat(CASE_2.ff()).isEqualTo(2048);
        assertThat(CASE_2.dropout()).isEqualTo(0.1);
        assertThat(Workload.transformer().dModel()).isEqualTo(512);
        assertThat(Workload.transformer().layers()).isEqualTo(6);
    }

    @Test
    void changingOneLeavesTheOther() {
        Workload small = CASE_2.batch(8);
        assertThat(small.sequences()).isEqualTo(200);
        assertThat(CASE_2.sequences()).isEqualTo(1600);
        assertThat(small.batch(64)).isEqualTo(CASE_2);
    }

    @Test
    void accumulationSplitsTheBatchAndRoundsUp() {
        assertThat(CASE_2.accumulation(4).microBatch()).isEqualTo(16);
        assertThat(CASE_2.accumulation(5).microBatch()).isEqualTo(13);
    }

    @Test
    void headsMustDivideTheWidth() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.heads(7).validate())
                .withMessageContaining("heads = 7")
                .withMessageContaining("d_model = 128")
                .withMessageContaining("Try heads = 4");
    }

    @Test
    void zeroAndNegativeSizesAreNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.batch(0))
                .withMessageContaining("batch = 0")
                .withMessageContaining("at least 1");
        assertThatIllegalArgumentException().isThrownBy(() -> CASE_2.seq(-80)).withMessageContaining("seq = -80");
        assertThatIllegalArgumentException().isThrownBy(() -> CASE_2.dropout(1)).withMessageContaining("dropout = 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.dropout(Double.NaN))
                .withMessageContaining("dropout = NaN");
    }

    @Test
    void overflowIsAnErrorAndNeverNegative() {
        assertThatThrownBy(() -> CASE_2.batch(Long.MAX_VALUE).validate())
                .isInstanceOf(ArithmeticException.class)
                .hasMessageContaining("2^63");
        assertThatThrownBy(() -> CASE_2.seq(4_000_000_000L).validate()).isInstanceOf(ArithmeticException.class);
    }

    @Test
    void positionsLoraAndSplitsAreChecked() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.with(Option.POSITIONS, 64).validate())
                .withMessageContaining("seq = 80");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.loraRank(129).validate())
                .withMessageContaining("lora_rank = 129");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.accumulation(65).validate())
                .withMessageContaining("accumulation = 65");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.checkpointing(3).validate())
                .withMessageContaining("checkpointing = 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.kvHeads(3).validate())
                .withMessageContaining("kv_heads = 3");
    }

    @Test
    void anOptionOfAnotherArchitectureIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.mlp().heads(8))
                .withMessageContaining("heads does not apply");
    }

    @Test
    void choicesAreReadAsWritten() {
        assertThat(CASE_2.with(Option.OPTIMIZER, "adamw").optimizer()).isEqualTo(OptimizerKind.ADAMW);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.with(Option.OPTIMIZER, "lion"))
                .withMessageContaining("\"lion\"")
                .withMessageContaining("\"adam\"");
    }
}

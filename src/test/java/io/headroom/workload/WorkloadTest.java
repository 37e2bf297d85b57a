package io.headroom.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import java.util.List;
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

    @Test
    void whatWouldBeIgnoredIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.with(Option.NEW_TOKENS, 9).validate())
                .withMessageContaining("new_tokens = 9 in training");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CASE_2.with(Option.DEVICES, 4).validate())
                .withMessageContaining("devices = 4 with sharding = none");
        for (Workload other : List.of(Workload.mlp(), Workload.cnn(), Workload.lstm(), Workload.gat())) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> other.with(Option.NEW_TOKENS, 9))
                    .withMessageContaining("new_tokens does not apply");
        }
    }

    @Test
    void moreLayersThanCanBePlayedAreRefused() {
        for (Workload step : List.of(
                CASE_2.heads(1).dModel(1).seq(1).ff(1),
                Workload.mlp().dModel(1),
                Workload.lstm().dModel(1),
                Workload.gat().heads(1).dModel(1).nodes(1).edges(0))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> step.layers(100_000_000).validate())
                    .withMessageContaining("layers = 100000000");
        }
    }

    @Test
    void anImageThatTheLayersUseUpIsRefused() {
        assertThat(Workload.cnn().image(8).layers(3).validate().image()).isEqualTo(8);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.cnn().image(7).layers(3).validate())
                .withMessageContaining("image = 7 with layers = 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.cnn().layers(70).validate())
                .withMessageContaining("image = 32 with layers = 70");
    }

    @Test
    void aGraphIsASample() {
        Workload graph =
                Workload.gat().batch(8).nodes(25).features(7).accumulation(4).training(OptimizerKind.ADAM);
        assertThat(graph.sequences()).isEqualTo(2);
        assertThat(graph.inputShape()).isEqualTo(new Shape(2, 25, 7));
        assertThat(graph.length()).isEqualTo(25);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> graph.edges(626).validate())
                .withMessageContaining("edges = 626 with nodes = 25")
                .withMessageContaining("625");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> graph.edges(100).newBlock())
                .withMessageContaining("edges = 100");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> graph.heads(7).validate())
                .withMessageContaining("heads = 7");
    }

    @Test
    void inferenceIsNotSplit() {
        assertThat(CASE_2.accumulation(4).inference().microBatch()).isEqualTo(64);
    }

    @Test
    void eachWorkerHoldsBatchesReady() {
        assertThat(CASE_2.batchesAhead()).isZero();
        assertThat(CASE_2.with(Option.PREFETCH, 3).batchesAhead()).isEqualTo(3);
        assertThat(CASE_2.with(Option.WORKERS, 4).batchesAhead()).isEqualTo(8);
        assertThat(CASE_2.with(Option.WORKERS, 4).with(Option.PREFETCH, 1).batchesAhead())
                .isEqualTo(4);
    }
}

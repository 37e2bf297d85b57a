package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.Log;
import io.headroom.oom.OutOfMemory;
import org.junit.jupiter.api.Test;

/** What fails while predicting gets no remedies of a training. */
class PredictionTest {
    private static final String MESSAGE =
            "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of"
                    + " 23.65 GiB of which 512.00 MiB is free. Including non-PyTorch memory, this process has 23.00 GiB memory in"
                    + " use. Of the allocated memory 22.00 GiB is allocated by PyTorch, and 100.00 MiB is reserved by PyTorch but"
                    + " unallocated.";
    private static final String PREDICTION =
            "ai.djl.translate.TranslateException: ai.djl.engine.EngineException: " + MESSAGE
                    + "\n\tat ai.djl.inference.Predictor.batchPredict(Predictor.java:197)\n\tat REPL.$JShell$12.do_it$";

    @Test
    void aPredictorInTheStackTraceIsNoTraining() {
        Diagnosis diagnosis =
                Diagnosis.of(Log.read(PREDICTION), Situation.unknown()).orElseThrow();

        assertThat(diagnosis.remedies())
                .extracting(Advice::name)
                .noneMatch(name -> name.contains("accumulation") || name.contains("checkpointing"))
                .anyMatch(name -> name.contains("smaller batch"));
        assertThat(diagnosis.wontHelp()).extracting(WontHelp::name).contains("gradient accumulation and checkpointing");
    }

    @Test
    void aPredictorWithinATrainingIsOne() {
        String text = PREDICTION + "\n\tat ai.djl.training.EasyTrain.trainBatch(EasyTrain.java:112)";

        assertThat(OutOfMemory.read(text).orElseThrow().predicting()).isFalse();
        assertThat(OutOfMemory.read(MESSAGE).orElseThrow().predicting()).isFalse();
    }

    @Test
    void aThrowablesStackTellsIt() {
        IllegalStateException thrown = new IllegalStateException(MESSAGE);
        thrown.setStackTrace(new StackTraceElement[] {
            new StackTraceElement("ai.djl.inference.Predictor", "predict", "Predictor.java", 130)
        });

        assertThat(OutOfMemory.read(new RuntimeException(thrown)).orElseThrow().predicting())
                .isTrue();
    }
}

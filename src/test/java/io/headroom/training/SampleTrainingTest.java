package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import io.headroom.units.Bytes;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class SampleTrainingTest {
    private static final SampleTraining TRAINING =
            SampleTraining.of(8, 8 * Bytes.MIB).epochs(2);

    @Test
    void whatIsKeptPilesUpAsPredicted() {
        TRAINING.run();
        SampleTraining.Run leaky = TRAINING.keepReferences().keepIntermediates().run();
        SampleTraining.Run clean =
                leaky.training().copySamples().dropIntermediates().run();

        assertThat(leaky.training().predictedBytes()).isEqualTo((2 * 2 * 8 + 4) * 8 * Bytes.MIB);
        // malloc's own thresholds may hold more here; the notebooks hold it against a fixed one
        assertThat(leaky.peakBytes()).isGreaterThan(leaky.training().predictedBytes() * 9 / 10);
        assertThat(clean.peakBytes()).isLessThan(leaky.peakBytes() / 2);
        assertThat(clean.loss()).isEqualTo(leaky.loss());
    }

    @Test
    void theDataSetOfTheRemedyHandsOutCopies() throws IOException {
        try (NDManager manager = NDManager.newBaseManager(Engine.getInstance().getEngineName())) {
            assertThat(ReferenceCheck.of(new SampleData(4, 64, 2, 0, null), manager)
                            .findings())
                    .isEmpty();
        }
    }

    @Test
    void badInputIsRefusedByName() {
        assertThatIllegalArgumentException().isThrownBy(() -> TRAINING.batch(9)).withMessageContaining("batch = 9");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TRAINING.epochs(0))
                .withMessage("epochs = 0: give 1 or more.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SampleTraining.of(8, 1))
                .withMessageContaining("sampleBytes = 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TRAINING.prefetch(-1))
                .withMessageContaining("prefetch = -1");
    }
}

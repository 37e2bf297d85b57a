package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The batch that a failing cell works with is told where its code has it as a number, and else not. */
class CellCodeTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "run(transformer().batch(64)) | 64",
                "run(transformer().batch( 64L ).seq(8)) | 64",
                "builder.setSampling(512, false) | 512",
                "int batchSize = 32; | 32",
                "step.batch(1_000_000) | 1000000",
            })
    void aNumberIsTold(String code, String batch) {
        assertThat(CellCode.evidence(code)).containsExactly("The cell works with batches of " + batch + ".");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "run(transformer().batch(1L << 20))",
                "run(transformer().batch(2 * n))",
                "int batchSize = 32 * devices;",
                "builder.setSampling(16 + rest, false)",
            })
    void anExpressionIsNotTakenForItsFirstNumber(String code) {
        assertThat(CellCode.evidence(code)).isEmpty();
    }
}

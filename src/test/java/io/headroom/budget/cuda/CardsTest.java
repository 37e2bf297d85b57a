package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.units.Bytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A card by its name has what its driver counts, not what the box says. */
class CardsTest {
    /** Smallest totals that PyTorch printed in out-of-memory messages of these cards. */
    @ParameterizedTest
    @CsvSource({
        "RTX 3060, 11.76",
        "NVIDIA GeForce RTX 4090, 23.64",
        "Tesla T4, 14.56",
        "V100 16GB, 15.77",
        "v100-32gb, 31.72",
        "L40S, 44.39",
        "A100 80GB, 79.14"
    })
    void promisesNoMoreThanDriversReport(String name, double gibibytes) {
        double bytes = Cards.bytes(name);

        assertThat(bytes).isBetween(0.97 * gibibytes * Bytes.GIB, 1.001 * gibibytes * Bytes.GIB);
    }

    @Test
    void takesASizeAsSaid() {
        assertThat(Cards.bytes("24 GiB")).isEqualTo(24 * Bytes.GIB);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GTX 9000", "", "  ", "Mac 16GB", "cpu", "-3 GiB"})
    void listsTheNamesForOthers(String name) {
        assertThatThrownBy(() -> Cards.bytes(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("RTX 3060 12GB");
    }

    @Test
    void asksWhichOfSeveral() {
        assertThatThrownBy(() -> Cards.bytes("A100")).hasMessageContaining("A100 40GB, A100 80GB");
        assertThatThrownBy(() -> Cards.bytes(null)).isInstanceOf(IllegalArgumentException.class);
    }
}

package io.headroom.budget.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.budget.Device;
import io.headroom.units.Bytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A card by its name has what its driver counts, not what the box says. */
class CardsTest {
    /** Two decimals hide at most half of the last one. */
    private static final double PRINTED = 0.005;

    /** Smallest totals that PyTorch printed in out-of-memory messages of these cards. */
    @ParameterizedTest
    @CsvSource({
        "RTX 3060, 11.76",
        "NVIDIA GeForce RTX 2080 Ti, 10.73",
        "RTX 3070, 7.78",
        "RTX 3080, 9.78",
        "NVIDIA GeForce RTX 4060, 7.63",
        "NVIDIA GeForce RTX 4090, 23.64",
        "Tesla T4, 14.56",
        "V100 16GB, 15.77",
        "v100-32gb, 31.72",
        "L40S, 44.39",
        "A100 80GB, 79.14",
        "NVIDIA H100 NVL, 93.00",
        "NVIDIA B200, 178.35",
        "NVIDIA GeForce RTX 5090, 31.37"
    })
    void promisesNoMoreThanDriversReport(String name, double gibibytes) {
        double bytes = Cards.bytes(name);

        assertThat(bytes).isBetween(0.97 * gibibytes * Bytes.GIB, (gibibytes + PRINTED) * Bytes.GIB);
    }

    /** The 480 GB are of the processor. */
    @ParameterizedTest
    @CsvSource({"NVIDIA GH200 480GB, GH200 96GB", "GH200 144GB, GH200 144GB", "NVIDIA GH200 144G HBM3e, GH200 144GB"})
    void knowsBothGraceHoppers(String name, String card) {
        assertThat(Cards.named(name).name()).isEqualTo(card);
        assertThatThrownBy(() -> Cards.named("GH200")).hasMessageContaining("comes in several sizes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"MIG 1g.10gb", "1g.5gb", "NVIDIA A100-SXM4-40GB MIG 3g.20gb"})
    void saysWhatToGiveForASlice(String name) {
        assertThatThrownBy(() -> Cards.named(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name)
                .hasMessageContaining("slice")
                .hasMessageContaining("--limit 10GiB");
        assertThatThrownBy(() -> Device.named(name)).hasMessageContaining("slice");
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

    @ParameterizedTest
    @CsvSource({
        "4090, RTX 4090 24GB",
        "3060 Ti, RTX 3060 12GB",
        "24, 24 GiB",
        "80, 80 GiB",
        "480 MiB, 481.00 MiB",
        "0, RTX 3060 12GB",
        "24 parsecs, RTX 3060 12GB",
        "RTX 4090 Ti, Did you mean RTX 4090 24GB?",
    })
    void takesNoBareNumberForBytes(String name, String said) {
        assertThatThrownBy(() -> Cards.named(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name)
                .hasMessageContaining(said)
                .hasMessageContaining("A100 80GB");
    }

    @ParameterizedTest
    @CsvSource({
        "T4, 75",
        "V100 32GB, 70",
        "A100 40GB, 80",
        "RTX 3060, 86",
        "L4, 89",
        "NVIDIA H100 80GB, 90",
        "H200, 90",
        "RTX 5090, 120",
        "NVIDIA GeForce RTX 5070 Ti, 120",
        "NVIDIA GH200 480GB, 90",
        "NVIDIA GH200 144G HBM3e, 90",
        "H100 NVL, 90",
        "B200, 100",
        "RTX 4060, 89",
        "P100, 60",
        "A6000, 86",
        "24 GiB, 0"
    })
    void knowsWhatItComputes(String name, int capability) {
        assertThat(Cards.named(name).capability()).isEqualTo(capability);
        assertThat(Cards.named(name).bytes()).isEqualTo(Cards.bytes(name));
    }

    @Test
    void knowsWhatEveryCardOfTheTableComputes() {
        assertThat(Device.all())
                .filteredOn(device -> device.kind() == Device.Kind.CUDA)
                .allMatch(device -> Cards.named(device.name()).capability() != Card.UNKNOWN);
    }

    @Test
    void asksWhichOfSeveral() {
        assertThatThrownBy(() -> Cards.bytes("A100")).hasMessageContaining("A100 40GB, A100 80GB");
        assertThatThrownBy(() -> Cards.bytes(null)).isInstanceOf(IllegalArgumentException.class);
    }

    /** As nvidia-smi and torch.cuda.get_device_name() write them. */
    @ParameterizedTest
    @CsvSource({
        "NVIDIA A100-SXM4-80GB, A100 80GB",
        "NVIDIA A100-SXM4-40GB, A100 40GB",
        "A100-PCIE-40GB, A100 40GB",
        "NVIDIA A100 80GB PCIe, A100 80GB",
        "NVIDIA H100 80GB HBM3, H100 80GB",
        "NVIDIA H100 PCIe, H100 80GB",
        "NVIDIA H200, H200 141GB",
        "Tesla V100-SXM2-32GB, V100 32GB",
        "Tesla P100-PCIE-16GB, P100 16GB",
        "Tesla T4, T4 16GB",
        "NVIDIA GeForce RTX 3060, RTX 3060 12GB",
        "NVIDIA RTX A6000, A6000 48GB",
        "RTX A6000, A6000 48GB",
        "NVIDIA A10, A10 24GB",
        "NVIDIA L4, L4 24GB",
    })
    void takesNamesAsTheDriverWritesThem(String name, String known) {
        assertThat(Cards.named(name).name()).isEqualTo(known);
    }

    /** Cards of another size under nearly the same name. */
    @ParameterizedTest
    @CsvSource({
        "NVIDIA H200 NVL, 'Did you mean H200 141GB, '",
        "NVIDIA GeForce RTX 3060 Laptop GPU, Did you mean RTX 3060 12GB?",
        "RTX 4060 Ti, Did you mean RTX 4060 8GB?",
    })
    void takesNoOtherCardForThem(String name, String said) {
        assertThatThrownBy(() -> Cards.named(name)).hasMessageContaining(said);
    }
}

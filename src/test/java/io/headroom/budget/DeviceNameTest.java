package io.headroom.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headroom.budget.cuda.Cards;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.Test;

/** A step's device goes by every name that a card does. */
class DeviceNameTest {
    @Test
    void aNameWithoutItsSizeIsTheOnlyCardOfThatName() {
        for (String name :
                new String[] {"T4", "rtx 3060", "NVIDIA GeForce RTX 3060", "Tesla T4", "A100 80GB", "h200"}) {
            assertThat(Device.named(name).name())
                    .as(name)
                    .isEqualTo(Cards.named(name).name());
        }
        assertThat(Estimate.of(Workload.mlp().device("T4")).deviceBytes())
                .isEqualTo(Estimate.of(Workload.mlp().device("T4 16GB")).deviceBytes());
    }

    @Test
    void aNameOfSeveralSizesListsThem() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Device.named("A100"))
                .withMessage("device = \"A100\" comes in several sizes: A100 40GB, A100 80GB. Name one.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Device.named("Mac"))
                .withMessageContaining("Mac 8GB, Mac 16GB");
    }
}

package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.units.Bytes;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Releasing what nobody holds gives it back, and names who holds the rest. */
class LeftoversTest {
    @Test
    void garbageComesBackAndHoldersAreNamed() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            NDArray years = manager.ones(new Shape(4 << 20));
            leaveGarbage();

            ReleaseReport report = ReleaseReport.leftovers(List.of(new Variable("years", "NDArray", years)));

            assertThat(report.held()).containsExactly(new Holder("years", "NDArray", 1, 16 * Bytes.MIB, false));
            assertThat(report.toString())
                    .startsWith("leftovers released: ")
                    .contains(" came back")
                    .contains("variable years (NDArray) holds 1 array, 16.00 MiB");
            assertThat(report.returned().orElse(0)).isGreaterThan(40 * Bytes.MIB);
            assertThat(years.isReleased()).isFalse();
        }
    }

    private static void leaveGarbage() {
        java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocateDirect(64 << 20);
        for (int at = 0; at < buffer.capacity(); at += 4096) {
            buffer.put(at, (byte) 1);
        }
    }
}

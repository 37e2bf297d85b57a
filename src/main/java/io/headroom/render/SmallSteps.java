package io.headroom.render;

import io.headroom.budget.Device;
import io.headroom.units.Bytes;

/** What is said beside a measured step that is hardly larger than what the process does on its own: see {@code docs/budget.md}. */
final class SmallSteps {
    static final String NOTE =
            "Below 64 MiB: what the JVM and malloc take beside a step moves by some 16 MiB, which no estimate tells.";

    private static final long BYTES = 64 * Bytes.MIB;

    private SmallSteps() {}

    static boolean isSmall(long measuredBytes, String device) {
        return measuredBytes > 0
                && measuredBytes < BYTES
                && Device.named(device).kind() == Device.Kind.CPU;
    }
}

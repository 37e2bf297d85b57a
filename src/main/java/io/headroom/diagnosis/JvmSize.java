package io.headroom.diagnosis;

import io.headroom.units.Bytes;

/** Sizes as the JVM's options take them. */
final class JvmSize {
    private JvmSize() {}

    /** {@code "4g"} where it is whole GiB, else MiB, rounded up: {@code "96m"}. */
    static String of(long bytes) {
        return bytes % Bytes.GIB == 0 && bytes > 0
                ? bytes / Bytes.GIB + "g"
                : (bytes + Bytes.MIB - 1) / Bytes.MIB + "m";
    }
}

package io.headroom.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel's high-water mark of this process over a stretch. */
final class Peak {
    private final long idle;
    private final boolean exact;

    private Peak(long idle, boolean exact) {
        this.idle = idle;
        this.exact = exact;
    }

    static Peak start() {
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
            return new Peak(status("VmRSS:"), true);
        } catch (IOException e) {
            return new Peak(0, false);
        }
    }

    long idle() {
        return idle;
    }

    boolean isExact() {
        return exact;
    }

    long stop() {
        try {
            return exact ? status("VmHWM:") - idle : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long status(String key) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(key)) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        throw new IOException("no " + key + " in /proc/self/status");
    }
}

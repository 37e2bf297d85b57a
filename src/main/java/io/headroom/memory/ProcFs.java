package io.headroom.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Linux's {@code /proc}, or a directory like it; every value absent where a file cannot be read. */
final class ProcFs {
    private final Path root;

    ProcFs(Path root) {
        this.root = root;
    }

    ProcessMemory process() {
        Map<String, Long> status = sizes(root.resolve("self/status"));
        return new ProcessMemory(
                value(status, "VmRSS"),
                value(status, "VmHWM"),
                value(status, "RssAnon"),
                value(status, "RssFile"),
                value(status, "RssShmem"),
                value(status, "VmData"),
                value(status, "VmSize"),
                value(status, "VmSwap"),
                value(status, "Threads"));
    }

    /** The machine's memory with what is not available counted as used. */
    Optional<Limit> physical() {
        Map<String, Long> info = sizes(root.resolve("meminfo"));
        Long total = info.get("MemTotal");
        if (total == null) {
            return Optional.empty();
        }
        Long available = info.get("MemAvailable");
        return Optional.of(new Limit(
                Limit.Kind.PHYSICAL,
                total,
                available == null ? OptionalLong.empty() : OptionalLong.of(total - available)));
    }

    /** Lines {@code Name:   123 kB} as bytes, {@code Name: 123} as it is. */
    static Map<String, Long> sizes(Path file) {
        Map<String, Long> sizes = new HashMap<>();
        for (String line : read(file).split("\n")) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                String rest = line.substring(colon + 1).strip();
                boolean kilobytes = rest.endsWith(" kB");
                String digits = kilobytes ? rest.substring(0, rest.length() - 3).strip() : rest;
                try {
                    sizes.put(line.substring(0, colon), Long.parseLong(digits) * (kilobytes ? 1024 : 1));
                } catch (NumberFormatException e) {
                    continue;
                }
            }
        }
        return sizes;
    }

    static OptionalLong value(Map<String, Long> sizes, String name) {
        Long value = sizes.get(name);
        return value == null ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /** The file's text, empty where it cannot be read. */
    static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        } catch (IOException | SecurityException e) {
            return "";
        }
    }
}

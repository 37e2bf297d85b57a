package io.headroom.memory;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/** The tightest memory limit among the control groups of this process, version 1 or 2. */
final class Cgroup {
    /** Version 1 writes "no limit" as the largest page-aligned long. */
    private static final long NO_LIMIT = Long.MAX_VALUE - (1 << 16);

    private Cgroup() {}

    static Optional<Limit> limit(Path proc, Path mount) {
        Optional<Limit> tightest = Optional.empty();
        for (String line : ProcFs.read(proc.resolve("self/cgroup")).split("\n")) {
            String[] parts = line.split(":", 3);
            if (parts.length < 3) {
                continue;
            }
            boolean two = parts[0].equals("0") && parts[1].isEmpty();
            boolean one = List.of(parts[1].split(",")).contains("memory");
            if (two || one) {
                tightest = tighter(tightest, walk(one ? mount.resolve("memory") : mount, parts[2], two));
            }
        }
        return tightest;
    }

    private static Optional<Limit> walk(Path top, String path, boolean two) {
        Optional<Limit> tightest = Optional.empty();
        Path group = top.resolve(path.replaceFirst("^/+", "")).normalize();
        while (group != null && group.startsWith(top)) {
            tightest = tighter(tightest, at(group, two));
            group = group.getParent();
        }
        return tightest;
    }

    private static Optional<Limit> at(Path group, boolean two) {
        OptionalLong bytes = number(group.resolve(two ? "memory.max" : "memory.limit_in_bytes"));
        if (bytes.isEmpty() || bytes.getAsLong() >= NO_LIMIT) {
            return Optional.empty();
        }
        OptionalLong usage = number(group.resolve(two ? "memory.current" : "memory.usage_in_bytes"));
        Map<String, Long> stat = stat(group.resolve("memory.stat"));
        long reclaimable = stat.getOrDefault(two ? "inactive_file" : "total_inactive_file", 0L);
        OptionalLong used = usage.isPresent()
                ? OptionalLong.of(Math.max(0, usage.getAsLong() - reclaimable))
                : OptionalLong.empty();
        return Optional.of(new Limit(Limit.Kind.CGROUP, bytes.getAsLong(), used));
    }

    private static Optional<Limit> tighter(Optional<Limit> a, Optional<Limit> b) {
        if (a.isEmpty() || b.isEmpty()) {
            return a.isEmpty() ? b : a;
        }
        return room(b.get()) < room(a.get()) ? b : a;
    }

    private static long room(Limit limit) {
        return limit.headroom().orElse(limit.bytes());
    }

    /** The file's number; absent where there is none, as in {@code max}. */
    private static OptionalLong number(Path file) {
        String text = ProcFs.read(file).strip();
        try {
            return text.isEmpty() || text.equals("max") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(text));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private static Map<String, Long> stat(Path file) {
        Map<String, Long> stat = new TreeMap<>();
        for (String line : ProcFs.read(file).split("\n")) {
            int blank = line.indexOf(' ');
            if (blank > 0 && line.substring(blank + 1).matches("[0-9]{1,18}")) {
                stat.put(line.substring(0, blank), Long.parseLong(line.substring(blank + 1)));
            }
        }
        return stat;
    }
}

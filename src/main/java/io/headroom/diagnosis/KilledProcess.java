package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Wording;
import io.headroom.units.Bytes;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whom the kernel's out-of-memory killer says it killed, and what that process held. */
record KilledProcess(long pid, String name, long total, long anonymous) {
    private static final Pattern LINE = Pattern.compile(
            "Killed process (\\d{1,10})(?:, UID \\d{1,10})?,? \\(([^)\\n]{1,40})\\).{0,200}?total-vm:(\\d{1,14})kB.{0,60}?anon-rss:(\\d{1,14})kB",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
    private static final Pattern CONTAINER =
            Pattern.compile("docker|container|kube|\\bpod\\b|cgroup|memcg|oomkilled", Pattern.CASE_INSENSITIVE);

    static Optional<KilledProcess> of(OutOfMemory oom) {
        if (oom.allocator() != Backend.OOM_KILLER) {
            return Optional.empty();
        }
        Matcher line = LINE.matcher(oom.excerpt());
        return line.find()
                ? Optional.of(new KilledProcess(
                        Long.parseLong(line.group(1)),
                        line.group(2),
                        Long.parseLong(line.group(3)) * Bytes.KIB,
                        Long.parseLong(line.group(4)) * Bytes.KIB))
                : Optional.empty();
    }

    static String sentence(OutOfMemory oom) {
        return of(oom).map(killed -> " It was " + killed + ".").orElse("");
    }

    /** Whether anything in the message shows that the process ran in a container. */
    static boolean inContainer(OutOfMemory oom) {
        return oom.wording() == Wording.CGROUP_KILL
                || CONTAINER.matcher(oom.excerpt()).find();
    }

    /** A limit in whole GiB with a quarter above what was held. */
    String largerLimit() {
        return ((anonymous + anonymous / 4 + Bytes.GIB - 1) / Bytes.GIB) + "g";
    }

    @Override
    public String toString() {
        return "process " + pid + " (" + name + "), which held " + Bytes.format(anonymous) + " of anonymous memory in "
                + Bytes.format(total) + " of address space";
    }
}

package io.headroom.oom;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The lines that the Linux kernel writes about one kill, joined to one failure. */
final class Kill {
    private static final Pattern PID = Pattern.compile("(?i)kill(?:ed)? process (\\d{1,10})|\\bpid=(\\d{1,10})");

    private Kill() {}

    static boolean is(OutOfMemory oom) {
        return oom.wording() == Wording.KERNEL_KILL || oom.wording() == Wording.CGROUP_KILL;
    }

    /** The place of the kill that this line belongs to; -1 where it begins another. */
    static int belongsTo(OutOfMemory oom, List<OutOfMemory> failures) {
        for (int i = failures.size() - 1; i >= 0; i--) {
            if (is(failures.get(i))) {
                return isOne(failures.get(i), oom) ? i : -1;
            }
        }
        return -1;
    }

    static OutOfMemory joined(OutOfMemory last, OutOfMemory oom) {
        boolean container = last.wording() == Wording.CGROUP_KILL || oom.wording() == Wording.CGROUP_KILL;
        return oom.worded(
                container ? Wording.CGROUP_KILL : Wording.KERNEL_KILL,
                tells(oom) >= tells(last) ? oom.excerpt() : last.excerpt());
    }

    private static boolean isOne(OutOfMemory last, OutOfMemory oom) {
        String one = pid(last);
        String other = pid(oom);
        if (!one.isEmpty() && !other.isEmpty()) {
            return one.equals(other);
        }
        boolean begins = oom.excerpt().contains("invoked oom-killer");
        boolean bare = other.isEmpty() && !oom.excerpt().contains("constraint=");
        return begins ? one.isEmpty() : !bare || last.wording() == oom.wording();
    }

    private static int tells(OutOfMemory oom) {
        return (oom.excerpt().contains("anon-rss") ? 2 : 0) + (pid(oom).isEmpty() ? 0 : 1);
    }

    private static String pid(OutOfMemory oom) {
        Matcher said = PID.matcher(oom.excerpt());
        return !said.find() ? "" : said.group(1) != null ? said.group(1) : said.group(2);
    }
}

package io.headroom.trace;

import io.headroom.trace.Snapshot.Frame;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Stacks by number, read out of the pickle's values only when asked for. */
final class FrameTable {
    private static final int LONGEST = 512;
    private static final int LONGEST_SITE = 256;

    private final PickleStore store;
    private final long name;
    private final long file;
    private final long line;
    private final Map<Integer, String> sites = new HashMap<>();
    /** Equal sites once: many stacks end in one line. */
    private final Map<String, String> texts = new HashMap<>();

    FrameTable(PickleStore store) throws SnapshotFormatException {
        this.store = store;
        name = key("name");
        file = key("filename");
        line = key("line");
    }

    private long key(String text) throws SnapshotFormatException {
        return (long) store.strings.intern(text) << 3 | PickleStore.STRING;
    }

    List<Frame> stack(int number) {
        List<Frame> stack = new ArrayList<>();
        if (number > 0) {
            int length = Math.min(store.contentLength(number), LONGEST);
            for (int i = 0; i < length; i++) {
                long dict = store.contentItem(number, i);
                if (PickleStore.tag(dict) == PickleStore.DICT) {
                    stack.add(new Frame(
                            text(dict, name), text(dict, file), (int) store.longValue(number(store.get(dict, line)))));
                }
            }
        }
        return stack;
    }

    private static long number(long value) {
        int tag = PickleStore.tag(value);
        return tag == PickleStore.INT || tag == PickleStore.WIDE || tag == PickleStore.FLOAT ? value : 0;
    }

    private String text(long dict, long key) {
        long value = store.get(dict, key);
        return PickleStore.tag(value) == PickleStore.STRING ? store.strings.get(PickleStore.index(value)) : "";
    }

    synchronized String site(int number) {
        return number <= 0 ? "" : sites.computeIfAbsent(number, this::text);
    }

    private String text(int number) {
        String site = findSite(number);
        String text = site.length() <= LONGEST_SITE ? site : site.substring(0, LONGEST_SITE) + "…";
        return texts.computeIfAbsent(text, Function.identity());
    }

    private String findSite(int number) {
        String fallback = "";
        for (Frame frame : stack(number)) {
            String path = frame.file().replace('\\', '/');
            boolean native_ = path.isEmpty()
                    || path.equals("??")
                    || path.endsWith(".cpp")
                    || path.endsWith(".h")
                    || path.endsWith(".cu")
                    || path.endsWith(".c");
            if (!native_ && !path.contains("/torch/") && !path.startsWith("<")) {
                return frame.toString();
            }
            if (fallback.isEmpty() && !native_) {
                fallback = frame.toString();
            }
        }
        return fallback;
    }
}

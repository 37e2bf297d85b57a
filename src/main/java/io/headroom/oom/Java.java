package io.headroom.oom;

import java.util.Arrays;
import java.util.Collection;

/** Tells whether a Java exception delivered a message: DJL hands libtorch's own sentences on. */
final class Java {
    private static final String[] BEFORE = {"ai.djl.", "java.lang.", "java.util.", "exceptioninthread"};
    private static final String PYTHON = "traceback(mostrecentcalllast)";
    private static final String[] AFTER = {".java:", "(nativemethod)", "ai.djl."};

    private static final int TRACE = 6_000;

    private Java() {}

    /** Whether the stack trace around a message is a prediction's, not a training's. */
    static boolean isPredicting(Region region) {
        int to = Math.min(region.limit, Math.min(region.text.length(), Math.max(region.end, region.bodyStart) + TRACE));
        String trace = region.text.substring(Math.max(region.previousEnd, region.start - 400), to);
        return trace.contains("ai.djl.inference.")
                && !trace.contains("ai.djl.training.trainer")
                && !trace.contains("ai.djl.training.easytrain");
    }

    /** The same for throwables. */
    static boolean isPredicting(Collection<Throwable> chain) {
        return passes(chain, "ai.djl.inference.")
                && !passes(chain, "ai.djl.training.Trainer")
                && !passes(chain, "ai.djl.training.EasyTrain");
    }

    private static boolean passes(Collection<Throwable> chain, String prefix) {
        return chain.stream()
                .flatMap(each -> Arrays.stream(each.getStackTrace()))
                .anyMatch(frame -> frame.getClassName().startsWith(prefix));
    }

    static boolean delivered(Region region) {
        String lead = region.lead(300);
        for (String sign : BEFORE) {
            if (lead.lastIndexOf(sign) > lead.lastIndexOf(PYTHON)) {
                return true;
            }
        }
        String trail = region.trail(300);
        for (String sign : AFTER) {
            if (trail.contains(sign)) {
                return true;
            }
        }
        return false;
    }
}

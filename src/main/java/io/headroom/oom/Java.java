package io.headroom.oom;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/** Tells whether a Java exception delivered a message: DJL hands libtorch's own sentences on. */
final class Java {
    private static final List<String> BEFORE = List.of("ai.djl.", "java.lang.", "java.util.", "exceptioninthread");
    private static final String PYTHON = "traceback(mostrecentcalllast)";
    private static final List<String> AFTER = List.of(".java:", "(nativemethod)", "ai.djl.");
    private static final int REACH = 300;

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

    /** Signs are looked for nearby first: where a stack ends costs more than the rest of the message. */
    static boolean delivered(Region region) {
        return (region.isNear(BEFORE, REACH, 0) && isNamed(region.lead(REACH)))
                || (region.isNear(AFTER, 0, REACH) && isTraced(region.trail(REACH)));
    }

    private static boolean isNamed(String lead) {
        int python = lead.lastIndexOf(PYTHON);
        return BEFORE.stream().anyMatch(sign -> lead.lastIndexOf(sign) > python);
    }

    private static boolean isTraced(String trail) {
        return AFTER.stream().anyMatch(trail::contains);
    }
}

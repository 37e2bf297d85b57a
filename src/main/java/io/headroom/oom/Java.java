package io.headroom.oom;

/** Tells whether a Java exception delivered a message: DJL hands libtorch's own sentences on. */
final class Java {
    private static final String[] BEFORE = {"ai.djl.", "java.lang.", "java.util.", "exceptioninthread"};
    private static final String[] AFTER = {".java:", "(nativemethod)", "ai.djl."};

    private Java() {}

    static boolean delivered(Region region) {
        for (String sign : BEFORE) {
            if (region.isBefore(sign, 300)) {
                return true;
            }
        }
        for (String sign : AFTER) {
            if (region.isNear(sign, 0, 300)) {
                return true;
            }
        }
        return false;
    }
}

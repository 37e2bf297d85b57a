package io.headroom.memory;

/** Names of stages: one line, at most 80 characters, never null. */
final class Stage {
    static final int LONGEST = 80;

    private Stage() {}

    static String name(String given) {
        if (given == null) {
            throw new IllegalArgumentException(
                    "A stage needs a name, but null was given: write memory(\"age loaded\"), or memory() without a name.");
        }
        String head = given.length() > 4 * LONGEST ? given.substring(0, 4 * LONGEST) : given;
        String line = head.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST - 1) + "…";
    }
}

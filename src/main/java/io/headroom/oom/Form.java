package io.headroom.oom;

import java.util.function.Function;

/**
 * One known beginning of a message and how to read on from it.
 *
 * @param literal the beginning, squeezed
 * @param headline whether figures of another headline's message must not be looked for behind it
 * @param read what it is, or {@code null} if the words stand there for another reason
 */
record Form(String literal, boolean headline, Function<Region, Finding> read) {
    static Form headline(String literal, Function<Region, Finding> read) {
        return new Form(literal, true, read);
    }

    static Form of(String literal, Function<Region, Finding> read) {
        return new Form(literal, false, read);
    }

    static Form notThis(String literal, String what) {
        return new Form(literal, false, region -> region.notThis(what));
    }
}

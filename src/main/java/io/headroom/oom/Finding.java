package io.headroom.oom;

/** What a reader makes of one place in a text: an out-of-memory error, or what only looks like one. */
public sealed interface Finding permits OutOfMemory, NearMiss {
    /** The part of the text that it was read from. */
    String excerpt();
}

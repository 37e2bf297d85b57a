package io.headroom.model;

import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.util.OptionalLong;

/**
 * What a release gave back, and what it did not.
 *
 * @param name the model
 * @param added bytes the process grew by when it was loaded
 * @param before the process just before the release
 * @param after the process after the release, heap collected and malloc trimmed
 */
public record ReleaseReport(String name, OptionalLong added, Reading before, Reading after) {

    static ReleaseReport after(String name, OptionalLong added, Reading before) {
        Cleanup.now();
        return new ReleaseReport(name, added, before, Reading.now());
    }

    /** Bytes the resident set fell by; absent where the system does not say. */
    public OptionalLong returned() {
        return before.rss().isPresent() && after.rss().isPresent()
                ? OptionalLong.of(before.rss().getAsLong() - after.rss().getAsLong())
                : OptionalLong.empty();
    }

    /** {@code age released: 203.90 of 204.11 MiB came back}. */
    @Override
    public String toString() {
        if (returned().isEmpty()) {
            return name + " released";
        }
        String text = name + " released: " + Bytes.format(returned().getAsLong());
        return text + (added.isPresent() ? " of " + Bytes.format(added.getAsLong()) : "") + " came back";
    }
}

package io.headroom.model;

import io.headroom.memory.LiveArrays;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.OptionalLong;

/**
 * What a release gave back, what it did not, and who holds that.
 *
 * @param name the model
 * @param added bytes the process grew by when it was loaded; absent where the system does not say
 * @param before the process just before the release
 * @param after the process after the release, heap collected and malloc trimmed
 * @param held notebook variables that still reach open arrays, largest first; after one model's release those that reach
 *     arrays no other loaded model owns
 */
public record ReleaseReport(String name, OptionalLong added, Reading before, Reading after, List<Holder> held) {
    /** Less than this is no remainder worth naming: pages the loading itself left behind. */
    private static final long CRUMB = 8 * Bytes.MIB;

    public ReleaseReport {
        held = List.copyOf(held);
    }

    /**
     * Cleans up without closing anything: what only garbage and the allocators still held comes back, and the variables
     * that hold the rest are named. Takes as long as two full collections.
     */
    public static ReleaseReport leftovers(List<Variable> variables) {
        Reading before = Reading.now();
        Cleanup.now();
        return new ReleaseReport(
                "leftovers",
                OptionalLong.empty(),
                before,
                Reading.now("after releasing leftovers"),
                Holders.find(variables));
    }

    static ReleaseReport of(LoadedModel model, Reading before, List<Variable> variables) {
        Cleanup.now();
        return new ReleaseReport(
                model.name(),
                model.added(),
                before,
                Reading.now("after releasing " + model.name()),
                Holders.findBeside(variables, Models.loaded()));
    }

    /** Bytes the resident set fell by; absent where the system does not say. */
    public OptionalLong returned() {
        return before.rss().isPresent() && after.rss().isPresent()
                ? OptionalLong.of(before.rss().getAsLong() - after.rss().getAsLong())
                : OptionalLong.empty();
    }

    /** Bytes that loading had added and the release did not bring back, never below 0. */
    public OptionalLong stayed() {
        return added.isPresent() && returned().isPresent()
                ? OptionalLong.of(Math.max(0, added.getAsLong() - returned().getAsLong()))
                : OptionalLong.empty();
    }

    /** Devices' memory before and after the release; none where no device is used. */
    public List<DeviceChange> devices() {
        return DeviceChange.between(before, after);
    }

    /** Arrays that are still open, by manager, largest first: the model's own are closed. */
    public List<LiveArrays.Manager> open() {
        return after.arrays().map(LiveArrays::managers).orElse(List.of());
    }

    /** Bytes of the Java heap that objects no longer take; below 0 if they take more. */
    public long heapFreed() {
        return before.jvm().heapUsed() - after.jvm().heapUsed();
    }

    /** {@code 203.90 MiB of 204.11 MiB came back}; predictions and inputs may make it more than loading added. */
    static String came(OptionalLong added, OptionalLong returned) {
        String back = Bytes.format(Math.max(0, returned.orElse(0)));
        if (added.isEmpty()) {
            return back + " came back";
        }
        String loaded = Bytes.format(added.getAsLong());
        return returned.orElse(0) > added.getAsLong()
                ? back + " came back, loading had added " + loaded
                : back + " of " + loaded + " came back";
    }

    /** The first line of the text: what came back. */
    String summary() {
        if (returned().isEmpty()) {
            return name + " released";
        }
        StringBuilder text = new StringBuilder(name).append(" released: ").append(came(added, returned()));
        if (added.isEmpty()) {
            text.append(" to the system, ")
                    .append(Bytes.format(Math.max(0, heapFreed())))
                    .append(" of the Java heap are free again");
        }
        return text.toString();
    }

    /**
     * One line, or a few if something stayed: {@code age released: 203.90 MiB of 204.11 MiB came back}.
     */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(summary());
        if (stayed().orElse(0) > CRUMB) {
            text.append("\n  ").append(Bytes.format(stayed().getAsLong())).append(" did not");
            after.nativeHeap().kept().ifPresent(kept -> text.append("; malloc keeps ")
                    .append(Bytes.format(kept))
                    .append(" free for reuse"));
        }
        devices().forEach(device -> text.append("\n  ").append(device));
        held.forEach(holder -> text.append("\n  ").append(holder));
        if (held.isEmpty() && (added.isEmpty() || stayed().orElse(0) > CRUMB)) {
            open().stream().filter(manager -> manager.bytes() > CRUMB).limit(3).forEach(manager -> text.append("\n  ")
                    .append(manager.label())
                    .append(manager.managers() == 1 ? " holds " : " hold ")
                    .append(manager.count())
                    .append(" arrays, ")
                    .append(Bytes.format(manager.bytes())));
        }
        return text.toString();
    }
}

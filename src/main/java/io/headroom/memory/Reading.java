package io.headroom.memory;

import io.headroom.units.Bytes;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where every byte of this process was at one moment.
 *
 * <p>All sizes are exact bytes as the system counts them. What a platform cannot give is <em>absent</em> (an empty
 * {@link OptionalLong}, an empty list), never 0. Immutable; taking one is safe from any thread, loads no engine,
 * creates no CUDA context and does not disturb what it measures.
 *
 * <pre>{@code
 * Reading before = Reading.now("start");
 * Reading after = Reading.now("loaded");
 * after.rss().getAsLong() - before.rss().getAsLong();   // what loading added
 * after.headroom();                                      // what may still be asked for
 * }</pre>
 *
 * @param at when it was taken
 * @param stage the name the user gave this moment, {@code ""} if none
 * @param process resident set and address space, from the operating system
 * @param jvm heap, metaspace, direct buffers and threads
 * @param nativeHeap glibc's malloc, from which libtorch takes its CPU tensors
 * @param arrays bytes of the NDArrays DJL holds by manager; absent until an engine runs, or where not asked for
 * @param devices accelerators; empty where there is none or its driver library is missing
 * @param limits every limit that applies to native memory
 */
public record Reading(
        Instant at,
        String stage,
        ProcessMemory process,
        JvmMemory jvm,
        NativeHeap nativeHeap,
        Optional<LiveArrays> arrays,
        List<DeviceMemory> devices,
        List<Limit> limits) {

    public Reading {
        stage = Stage.name(stage);
        devices = List.copyOf(devices);
        limits = List.copyOf(limits);
    }

    /** Takes a reading, NDArrays by manager not counted: at most a millisecond on Linux. */
    public static Reading now() {
        return Readings.take("", Optional.empty());
    }

    /**
     * Takes a reading under a name, NDArrays by manager counted too.
     *
     * @param stage shown in the line, the table and the figure; longer than 80 characters is cut
     * @throws IllegalArgumentException if the name is null
     */
    public static Reading now(String stage) {
        return Readings.take(Stage.name(stage), LiveArrays.now());
    }

    /** A reading for a thread beside the one that works with the arrays. */
    static Reading beside() {
        return Readings.take("", LiveArrays.now(false));
    }

    /** The same reading, with what it has in common with an earlier one kept once. */
    Reading sharing(Reading earlier) {
        return arrays.isEmpty() || earlier.arrays.isEmpty()
                ? this
                : with(arrays.get().sharing(earlier.arrays.get()));
    }

    /** The same reading, with bounded lists of shapes. */
    Reading thinned() {
        return arrays.map(live -> with(live.thinned())).orElse(this);
    }

    Reading with(LiveArrays live) {
        return new Reading(at, stage, process, jvm, nativeHeap, Optional.of(live), devices, limits);
    }

    /** The same reading under another name. */
    public Reading named(String name) {
        return new Reading(at, name, process, jvm, nativeHeap, arrays, devices, limits);
    }

    /** The resident set: bytes of this process in physical memory. */
    public OptionalLong rss() {
        return process.resident();
    }

    /** The limit that bites first: the one with the least head-room. */
    public Optional<Limit> limit() {
        return limits.stream()
                .filter(limit -> limit.headroom().isPresent())
                .min(Comparator.comparingLong(limit -> limit.headroom().getAsLong()));
    }

    /** Bytes of native memory that may still be taken before the first limit is met. */
    public OptionalLong headroom() {
        return limit().map(Limit::headroom).orElse(OptionalLong.empty());
    }

    /**
     * One line, as the cases print it: {@code [age loaded] process 1.42 GiB · heap 38.11 MiB · head-room 6.10 GiB (cap
     * 9.07 GiB)}.
     */
    public String line() {
        StringBuilder line = new StringBuilder(stage.isEmpty() ? "" : "[" + stage + "] ");
        line.append("process ").append(shown(rss()));
        line.append(" · heap ").append(Bytes.format(jvm.heapUsed()));
        arrays.ifPresent(live -> line.append(" · NDArrays ").append(Bytes.format(live.bytes())));
        for (DeviceMemory device : devices) {
            line.append(String.format(
                    Locale.ROOT, " · %s %s of %s", device.name(), shown(device.used()), shown(device.total())));
        }
        limit().ifPresent(limit -> line.append(" · head-room ")
                .append(shown(limit.headroom()))
                .append(" (")
                .append(limit.label())
                .append(')'));
        return line.toString();
    }

    @Override
    public String toString() {
        return line();
    }

    private static String shown(OptionalLong bytes) {
        return bytes.isPresent() ? Bytes.format(bytes.getAsLong()) : "not known";
    }
}

package io.headroom.render;

import io.headroom.memory.Breakdown;
import io.headroom.memory.DeviceMemory;
import io.headroom.memory.EngineEnvironment;
import io.headroom.memory.JvmMemory;
import io.headroom.memory.Limit;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.util.OptionalLong;

/** A reading as a table: process, JVM, malloc, NDArrays by manager, devices, limits; what is not known is left out. */
public final class ReadingView {
    private static final int MANAGERS = 8;

    private ReadingView() {}

    /** Text and HTML of a reading, with the kernel profile it was taken under. */
    public static Bundle of(Reading reading) {
        return of(reading, EngineEnvironment.now());
    }

    static Bundle of(Reading reading, EngineEnvironment environment) {
        Rows rows = new Rows();
        rows.group("Process");
        rows.add("resident", reading.rss(), "");
        rows.add("highest", reading.process().peak(), "");
        rows.add("without a file", reading.process().anonymous(), "malloc, heap, stacks");
        rows.add("from files", reading.process().file(), "libraries, jars");
        rows.add("swapped out", positive(reading.process().swapped()), "");
        rows.group("JVM");
        rows.add(
                "heap",
                OptionalLong.of(reading.jvm().heapUsed()),
                "garbage counted, committed " + Bytes.format(reading.jvm().heapCommitted()));
        rows.add("metaspace and code", OptionalLong.of(reading.jvm().nonHeapUsed()), "");
        rows.add("direct buffers", reading.jvm().direct(), "");
        if (reading.nativeHeap().used().isPresent()) {
            rows.group("malloc");
            rows.add("in use", reading.nativeHeap().used(), "tensors, weights, direct buffers");
            rows.add("free but kept", reading.nativeHeap().kept(), "release() gives it back to the system");
        }
        reading.arrays().ifPresent(live -> arrays(rows, live));
        if (!reading.devices().isEmpty()) {
            rows.group("Devices");
            reading.devices().forEach(device -> device(rows, device));
        }
        rows.group("Limits");
        for (Limit limit : reading.limits()) {
            rows.add(
                    limit.kind().label(),
                    OptionalLong.of(limit.bytes()),
                    (limit.headroom().isPresent()
                                    ? Bytes.format(limit.headroom().getAsLong()) + " left"
                                    : "use not known")
                            + (reading.limit().filter(limit::equals).isPresent() ? ", met first" : ""));
        }
        heap(rows, reading);
        rows.note(threads(reading));
        rows.note("Kernel " + environment);
        return Bundle.text(reading.line()).html(bar(reading) + rows.html(title(reading)));
    }

    /** Text and HTML of a breakdown: it adds up to the resident set. */
    public static Bundle of(Breakdown parts) {
        Rows rows = new Rows();
        rows.group("Resident set");
        rows.add("Java heap", parts.javaHeap(), "");
        rows.add("libraries", OptionalLong.of(parts.libraries()), "");
        rows.add("other files", OptionalLong.of(parts.files()), "");
        rows.add("shared memory", OptionalLong.of(parts.shared()), "");
        rows.add("main stack", OptionalLong.of(parts.stacks()), "");
        rows.add("without a file", OptionalLong.of(parts.anonymous()), "malloc, metaspace, code, thread stacks");
        rows.add("total", OptionalLong.of(parts.total()), "");
        Reading reading = parts.reading();
        rows.group("Without a file");
        rows.add("malloc, in use", reading.nativeHeap().used(), "tensors, weights, direct buffers");
        rows.add("malloc, free but kept", reading.nativeHeap().kept(), "touched or not; release() gives it back");
        rows.add("direct buffers", reading.jvm().direct(), "DJL's copies of Java data; in malloc's too");
        rows.add("metaspace and code", OptionalLong.of(reading.jvm().nonHeapUsed()), "");
        rows.note(threads(reading)
                + ". malloc and the JVM count what was asked for, the resident set what was touched: the"
                + " second table need not add up.");
        rows.group("Limits");
        heap(rows, reading);
        rows.group("Largest libraries");
        parts.largestLibraries().forEach(library -> rows.add(library.name(), OptionalLong.of(library.resident()), ""));
        return Bundle.text(rows.text()).html(rows.html("Resident set by kind"));
    }

    /** Objects meet it, tensors never: it is not what is met first. */
    private static void heap(Rows rows, Reading reading) {
        JvmMemory jvm = reading.jvm();
        jvm.limit().ifPresent(limit -> {
            String left = Bytes.format(limit.headroom().getAsLong()) + " left ";
            String garbage = Bytes.format(Math.max(0, limit.bytes() - jvm.heapUsed()));
            rows.add(
                    limit.kind().label(),
                    OptionalLong.of(limit.bytes()),
                    (jvm.heapLive().isPresent()
                                    ? left + "after the last full collection, " + garbage + " with the garbage since"
                                    : left.strip() + ", garbage counted")
                            + "; for Java objects alone");
        });
    }

    private static String threads(Reading reading) {
        OptionalLong all = reading.process().threads();
        return Rows.count(reading.jvm().threads(), "Java thread")
                + (all.isPresent() ? ", " + all.getAsLong() + " with native ones" : "");
    }

    private static void arrays(Rows rows, LiveArrays live) {
        rows.group("NDArrays");
        rows.add("open", OptionalLong.of(live.bytes()), Rows.count(live.count(), "array"));
        live.managers().stream()
                .limit(MANAGERS)
                .forEach(manager -> rows.add(
                        manager.label(), OptionalLong.of(manager.bytes()), Rows.count(manager.count(), "array")));
    }

    private static void device(Rows rows, DeviceMemory device) {
        rows.add(
                device.name(),
                device.used(),
                device.unified()
                        ? "shares the machine's memory with this process"
                        : device.total().isPresent()
                                ? "of " + Bytes.format(device.total().getAsLong())
                                : "");
        rows.add("this process", device.own(), "");
        device.others()
                .forEach(other -> rows.add(
                        "process " + other.pid() + (other.name().isEmpty() ? "" : " " + other.name()),
                        other.bytes(),
                        ""));
    }

    private static OptionalLong positive(OptionalLong bytes) {
        return bytes.orElse(0) > 0 ? bytes : OptionalLong.empty();
    }

    private static String title(Reading reading) {
        return reading.stage().isEmpty() ? "Memory" : "Memory: " + reading.stage();
    }

    /** How much of the limit that is met first is taken. */
    private static String bar(Reading reading) {
        return reading.limit()
                .map(limit -> UsageBar.html(
                        limit.used().getAsLong(),
                        limit.bytes(),
                        Bytes.format(limit.used().getAsLong()) + " of " + limit.label()))
                .orElse("");
    }
}

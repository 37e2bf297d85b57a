package io.headroom.diagnosis;

import io.headroom.memory.DeviceMemory;
import io.headroom.memory.JvmMemory;
import io.headroom.memory.Reading;
import io.headroom.oom.Backend;
import io.headroom.oom.OutOfMemory;
import java.util.OptionalLong;

/** Which memory of the readings before a failure is the one that ran out. */
enum Series {
    DEVICE,
    /** What malloc has given out: tensors, and neither the Java heap nor what malloc keeps for itself. */
    NATIVE,
    HEAP,
    DIRECT,
    /** None that readings follow. */
    NONE;

    static Series of(OutOfMemory oom) {
        if (oom.allocator().isDevice()) {
            return DEVICE;
        }
        if (oom.allocator() != Backend.JVM) {
            return NATIVE;
        }
        return switch (oom.wording()) {
            case JAVA_HEAP, GC_OVERHEAD -> HEAP;
            case DIRECT_BUFFER -> DIRECT;
            case HOTSPOT_NATIVE, MAP_FAILED, OUT_OF_SWAP, JAVACPP_LIMIT -> NATIVE;
            default -> NONE;
        };
    }

    OptionalLong used(Reading reading) {
        return switch (this) {
            case DEVICE -> reading.devices().isEmpty() ? NATIVE.used(reading) : onDevices(reading);
            case NATIVE ->
                reading.nativeHeap().used().isPresent() ? reading.nativeHeap().used() : outsideHeap(reading);
            case HEAP -> OptionalLong.of(reading.jvm().heapUsed());
            case DIRECT -> reading.jvm().direct();
            case NONE -> OptionalLong.empty();
        };
    }

    private static OptionalLong outsideHeap(Reading reading) {
        JvmMemory jvm = reading.jvm();
        OptionalLong rss = reading.rss();
        return rss.isPresent()
                ? OptionalLong.of(Math.max(0, rss.getAsLong() - jvm.heapCommitted() - jvm.nonHeapCommitted()))
                : rss;
    }

    private static OptionalLong onDevices(Reading reading) {
        return reading.devices().stream()
                .map(DeviceMemory::used)
                .filter(OptionalLong::isPresent)
                .mapToLong(OptionalLong::getAsLong)
                .max();
    }
}

package io.headroom.memory;

import com.sun.jna.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * The highest resident set since a moment, for any number of overlapping stretches.
 *
 * <p>Linux keeps one high-water mark ({@code VmHWM}), reset by writing 5 to {@code clear_refs}; before each reset the
 * running stretches take the old mark. Elsewhere a thread samples every millisecond.
 */
final class PeakMeter {
    private static final Object LOCK = new Object();
    private static final Set<PeakMeter> RUNNING = Collections.newSetFromMap(new IdentityHashMap<>());
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");
    private static final ProcFs PROC = new ProcFs(Path.of("/proc"));
    private static final long SAMPLE_NANOS = 1_000_000;

    private long highest = -1;
    private boolean exact;
    private boolean stopped;

    private PeakMeter() {}

    static PeakMeter start() {
        return start(Platform.isLinux());
    }

    static PeakMeter start(boolean kernelKeepsTheMark) {
        PeakMeter meter = new PeakMeter();
        synchronized (LOCK) {
            RUNNING.forEach(PeakMeter::take);
            meter.exact = kernelKeepsTheMark && reset();
            meter.sample();
            RUNNING.add(meter);
        }
        if (!meter.exact) {
            Thread sampler = new Thread(meter::sampleUntilStopped, "headroom-peak");
            sampler.setDaemon(true);
            sampler.start();
        }
        return meter;
    }

    /** Whether the kernel keeps the mark; else it is sampled. */
    boolean exact() {
        return exact;
    }

    /** The highest so far; absent where the system does not say. */
    OptionalLong highest() {
        synchronized (LOCK) {
            if (!stopped) {
                take();
            }
            return highest < 0 ? OptionalLong.empty() : OptionalLong.of(highest);
        }
    }

    OptionalLong stop() {
        OptionalLong last = highest();
        synchronized (LOCK) {
            stopped = true;
            RUNNING.remove(this);
        }
        return last;
    }

    private void take() {
        if (exact) {
            highest = Math.max(highest, PROC.process().peak().orElse(-1));
        } else {
            sample();
        }
    }

    private void sample() {
        highest = Math.max(highest, Readings.resident().orElse(-1));
    }

    private void sampleUntilStopped() {
        while (true) {
            synchronized (LOCK) {
                if (stopped) {
                    return;
                }
                sample();
            }
            LockSupport.parkNanos(SAMPLE_NANOS);
        }
    }

    private static boolean reset() {
        try {
            Files.writeString(CLEAR, "5", StandardOpenOption.WRITE);
            return true;
        } catch (IOException | SecurityException e) {
            return false;
        }
    }
}

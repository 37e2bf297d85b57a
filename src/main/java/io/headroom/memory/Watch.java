package io.headroom.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/**
 * Watches a stretch of code: memory before and after it, and the highest in between.
 *
 * <p>On Linux the peak is the kernel's own high-water mark: exact, nothing is sampled, nothing runs beside the code. On
 * other systems it is sampled every millisecond and {@link Peak#exact()} is false. Stretches may nest and overlap.
 *
 * <pre>{@code
 * Peak peak = Watch.run("step", () -> trainer.step(), System.out::println);
 * try (Watch watch = Watch.start("epoch")) {
 *     train();
 * }
 * }</pre>
 *
 * <p>Stopping twice gives the first result again. With {@link #startWithOperators} the engine's profiler runs too: then
 * start, code and stop belong on one thread, the code runs slower, and the profiler's own records are in the peak: watch a
 * step so, not an epoch.
 */
public final class Watch implements AutoCloseable {
    private final String stage;
    private final Reading before;
    private final long began;
    private final PeakMeter meter;
    private final OperatorProfile profile;
    private Peak result;

    private Watch(String stage, Path operators) {
        this.stage = Stage.name(stage);
        this.before = Reading.now(stage);
        this.profile = operators == null ? null : OperatorProfile.start(operators);
        this.began = System.nanoTime();
        this.meter = PeakMeter.start();
    }

    /** Begins a stretch. */
    public static Watch start(String stage) {
        return new Watch(stage, null);
    }

    /**
     * Begins a stretch in which every operator's memory is recorded too, by the engine's profiler.
     *
     * @throws IllegalStateException if such a stretch is already running: the profiler knows one
     * @throws UncheckedIOException if the profiler's file cannot be made in {@code java.io.tmpdir}
     */
    public static Watch startWithOperators(String stage) {
        return startWithOperators(stage, Path.of(System.getProperty("java.io.tmpdir")));
    }

    /** With the profiler's file in a directory. */
    static Watch startWithOperators(String stage, Path directory) {
        return new Watch(stage, directory);
    }

    /**
     * Watches a body; the report is made however it ends, and what it throws passes through unchanged.
     *
     * @param report is given the peak before this returns or throws
     */
    public static <T> T run(String stage, Callable<T> body, Consumer<Peak> report) throws Exception {
        Watch watch = start(stage);
        try {
            return body.call();
        } finally {
            report.accept(watch.stop());
        }
    }

    /** The same for a body that returns nothing. */
    public static <E extends Exception> void run(String stage, Body<E> body, Consumer<Peak> report) throws E {
        Watch watch = start(stage);
        try {
            body.run();
        } finally {
            report.accept(watch.stop());
        }
    }

    /** The process when the stretch began. */
    public Reading before() {
        return before;
    }

    /** The highest resident set so far, while the stretch runs or after. */
    public OptionalLong highest() {
        return meter.highest();
    }

    /** Ends the stretch; a profile that cannot be read is told by {@link Peak#untold}, the rest is there all the same. */
    public synchronized Peak stop() {
        if (result == null) {
            Duration took = Duration.ofNanos(System.nanoTime() - began);
            OptionalLong mark = meter.stop();
            Reading after = Reading.now(stage);
            List<OperatorMemory> operators = List.of();
            Optional<String> untold = Optional.empty();
            if (profile != null) {
                try {
                    operators = profile.stop(); // takes memory, so it comes last, and may fail where there is none
                } catch (IOException | RuntimeException | OutOfMemoryError e) {
                    untold = Optional.of(e instanceof IOException ? e.getMessage() : e.toString());
                }
            }
            result = new Peak(
                    stage,
                    before,
                    after,
                    atLeast(mark, after),
                    meter.exact(),
                    took,
                    profile != null,
                    operators,
                    untold);
        }
        return result;
    }

    /** The kernel sums the mark and the resident set up apart: what is held at the end was held. */
    private static OptionalLong atLeast(OptionalLong mark, Reading after) {
        return mark.isPresent()
                ? OptionalLong.of(Math.max(mark.getAsLong(), after.rss().orElse(0)))
                : mark;
    }

    @Override
    public void close() {
        stop();
    }
}

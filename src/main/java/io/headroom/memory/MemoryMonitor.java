package io.headroom.memory;

import ai.djl.training.listener.TrainingListener;
import io.headroom.units.Bytes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Follows memory over a long run: a line every so many steps or seconds, periodic clean-up, an alarm before memory runs
 * out, and what grows, by manager and shape.
 *
 * <p>Either the training loop calls {@link #step} (or DJL does, through {@link #listener()}), or {@link #start()} reads
 * on a daemon thread of its own; that thread takes readings and tells subscribers, it never prints. {@code step} costs a
 * counter between intervals, and a reading after each full collection of the Java heap. All methods may be called from any thread; closing twice is allowed.
 *
 * <pre>{@code
 * try (MemoryMonitor monitor = MemoryMonitor.everySteps(1000).cleanUpEvery(1000).printTo(System.out::println)) {
 *     config.addTrainingListeners(monitor.listener());
 *     monitor.run("train", () -> EasyTrain.fit(trainer, 10, data, null));
 * }
 * }</pre>
 */
public final class MemoryMonitor implements AutoCloseable {
    /** Seconds between readings where nothing else is said. */
    public static final Duration DEFAULT_INTERVAL = Duration.ofSeconds(1);

    private final long steps;
    private final Duration seconds;
    private final Timeline timeline = new Timeline();
    private final LeakFinder finder = new LeakFinder();
    private final Alarms alarms = new Alarms();
    private final LineLog lines = new LineLog();
    private final List<Consumer<Reading>> subscribers = new CopyOnWriteArrayList<>();
    private volatile Consumer<Alarm> onAlarm = alarm -> {};
    private volatile Runnable cleanUp = MemoryMonitor::trim;
    private volatile long cleanUpEvery;
    private final AtomicLong stepped;
    private final AtomicLong collections = new AtomicLong(HeapCollections.count());
    private Thread reader;
    private volatile boolean closed;
    private volatile boolean counting;

    private MemoryMonitor(long steps, Duration seconds) {
        this.steps = steps;
        this.seconds = seconds;
        this.stepped = new AtomicLong(System.nanoTime() - seconds.toNanos());
    }

    /**
     * A monitor that reads on every {@code interval}-th step.
     *
     * @throws IllegalArgumentException if the interval is not positive
     */
    public static MemoryMonitor everySteps(long interval) {
        if (interval <= 0) {
            throw new IllegalArgumentException(
                    "A monitor cannot read every " + interval + " steps: give 1 for each step, or more, such as 1000.");
        }
        return new MemoryMonitor(interval, DEFAULT_INTERVAL);
    }

    /**
     * A monitor that reads every so often once {@link #start started}.
     *
     * @throws IllegalArgumentException if the interval is null, not positive, or shorter than a millisecond
     */
    public static MemoryMonitor every(Duration interval) {
        if (interval == null || interval.compareTo(Duration.ofMillis(1)) < 0) {
            throw new IllegalArgumentException("A monitor cannot read every " + interval
                    + ": give a millisecond or more, such as MemoryMonitor.every(Duration.ofSeconds(1)).");
        }
        return new MemoryMonitor(0, interval);
    }

    /** Cleans up on every {@code interval}-th step; 0 never does, which is the default. */
    public MemoryMonitor cleanUpEvery(long interval) {
        if (interval < 0) {
            throw new IllegalArgumentException(
                    "A monitor cannot clean up every " + interval + " steps: give 1 or more, or 0 for never.");
        }
        cleanUpEvery = interval;
        return this;
    }

    /** What cleaning up means; by default the heap is collected, CUDA's cache emptied where there is one, malloc trimmed. */
    public MemoryMonitor cleanUpWith(Runnable action) {
        cleanUp = given(action, "cleanUpWith(null): give what cleans up, such as System::gc.");
        return this;
    }

    /**
     * Raises the alarm when less than this is left of the host's memory or of a device; by default 5 % of the limit. Of the Java
     * heap, counted after its last full collection, it is raised at 5 % at most. It is over, and may be raised anew, when half
     * as much again is left, or half of what the limit has above the threshold.
     */
    public MemoryMonitor alarmBelow(long headroom) {
        if (headroom < 0) {
            throw new IllegalArgumentException("An alarm at a head-room of " + Bytes.format(headroom)
                    + " can never be raised in time: give a size, such as alarmBelow(512 * Bytes.MIB).");
        }
        alarms.below(headroom);
        return this;
    }

    /**
     * Where lines go while a caller's own thread runs the monitor. The background thread never prints: an alarm it raises is
     * printed by the next step. A printer that throws ends no training: it is told once, and {@link #lines()} has what it lost.
     */
    public MemoryMonitor printTo(Consumer<String> out) {
        lines.printTo(
                given(out, "printTo(null): give where lines go, System.out::println, or line -> {} for nowhere."));
        return this;
    }

    /**
     * Called once each time the head-room falls below the threshold, on the thread that took the reading. What it throws ends
     * the {@link #step} that raised the alarm, and so may stop the loop around it; in the background it is but noted in
     * {@link #lines()}, and of a {@link #listener()} it ends the monitor, not the training.
     */
    public MemoryMonitor onAlarm(Consumer<Alarm> action) {
        onAlarm = given(action, "onAlarm(null): give what an alarm does, or alarm -> {} for nothing.");
        return this;
    }

    /** Called with every reading, on the thread that took it; a subscriber that throws is dropped. */
    public MemoryMonitor onReading(Consumer<Reading> subscriber) {
        subscribers.add(given(subscriber, "onReading(null): give what follows the readings."));
        return this;
    }

    /** Starts reading in the background; starting again does nothing. */
    public synchronized MemoryMonitor start() {
        if (closed) {
            throw new IllegalStateException("The monitor is closed: make a new one, MemoryMonitor.every(…).start().");
        }
        if (reader == null) {
            reader = new Thread(this::readUntilClosed, "headroom-monitor");
            reader.setDaemon(true);
            reader.setPriority(Thread.MIN_PRIORITY);
            reader.start();
        }
        return this;
    }

    /**
     * Counts a step; reads, prints and cleans up if it is one of the interval's. Of a monitor of seconds it is the first one,
     * and then the next after each interval.
     */
    public void step(long step) {
        if (closed) {
            return;
        }
        if (due(step)) {
            logMemoryUsage(step);
        } else if (alarms.waits()) {
            printAlarm();
        } else if (collected()) {
            check(Reading.now(), true);
        }
        if (cleanUpEvery > 0 && step > 0 && step % cleanUpEvery == 0) {
            cleanupMemory();
        }
    }

    /** What is live of the heap is known after a full collection, and when little is left an interval may be too late. */
    private boolean collected() {
        long now = HeapCollections.count();
        return collections.getAndSet(now) != now;
    }

    private boolean due(long step) {
        if (steps > 0) {
            return step % steps == 0;
        }
        long last = stepped.get();
        long now = System.nanoTime();
        return now - last >= seconds.toNanos() && stepped.compareAndSet(last, now);
    }

    /** Reads now and prints {@code Step 1000: CPU: 2048.5MB, GPU: 4096.2MB}; GPU only where there is one. */
    public String logMemoryUsage(long step) {
        Reading reading = Reading.now("step " + step);
        String line = MonitorLine.of(step, reading);
        lines.tell(line);
        counting = true;
        note(step, reading, true);
        return line;
    }

    /** Cleans up now and prints that it did. */
    public void cleanupMemory() {
        cleanUp.run();
        lines.tell(MonitorLine.CLEANED);
    }

    /**
     * Runs a training function under this monitor: the background thread reads while it runs, and however it ends its peak
     * is told. When it fails, memory is summed up and cleaned up first. What it throws passes through unchanged; what fails
     * after that is suppressed in it.
     */
    public <E extends Exception> void run(String name, Body<E> training) throws E {
        training(name, training);
        boolean reads = startHere();
        Throwable failure = null;
        Watch watch = null;
        try {
            watch = Watch.start(name);
            training.run();
        } catch (Throwable e) {
            failure = e;
            Watch begun = watch;
            guarded(e, this::printAlarm);
            if (begun != null) {
                guarded(e, () -> MonitorLine.summary(Reading.now(), begun.highest(), leaks())
                        .forEach(lines::tell));
                guarded(e, this::cleanupMemory);
            }
            throw e;
        } finally {
            Watch begun = watch;
            guarded(failure, this::printAlarm);
            if (begun != null) {
                guarded(failure, () -> lines.tell(begun.stop().toString()));
            }
            if (reads) {
                stopReading();
            }
        }
    }

    /** The same for a training function that returns something. */
    public <T> T run(String name, Callable<T> training) throws Exception {
        training(name, training);
        List<T> result = new ArrayList<>(1);
        run(name, () -> {
            result.add(training.call());
        });
        return result.get(0);
    }

    private static void training(String name, Object training) {
        given(training, "run(\"" + name + "\", null): give the training to run, run(\"" + name + "\", () -> fit()).");
    }

    private static <T> T given(T value, String refusal) {
        if (value == null) {
            throw new IllegalArgumentException(refusal);
        }
        return value;
    }

    private synchronized boolean startHere() {
        boolean first = reader == null;
        start();
        return first;
    }

    private void guarded(Throwable failure, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | LinkageError | AssertionError | VirtualMachineError e) {
            if (failure != null && failure != e) {
                failure.addSuppressed(e);
            }
            lines.add("After the training: " + e);
        }
    }

    /** A listener for DJL's trainer: a step for each batch, a named stage for each epoch. */
    public TrainingListener listener() {
        return new MonitorListener(this);
    }

    /** The readings so far, thinned when they are many. */
    public Timeline timeline() {
        return timeline;
    }

    /** The last thousand lines, oldest first. */
    public List<String> lines() {
        return lines.all();
    }

    /** What grows, fastest first; empty until there are enough readings to tell. */
    public Leaks leaks() {
        return finder.leaks();
    }

    /** The alarm, from when it is raised until enough is left again. */
    public Optional<Alarm> alarm() {
        return alarms.inForce();
    }

    /** Whether a thread of its own reads at this moment. */
    public synchronized boolean isReading() {
        return reader != null;
    }

    /** Whether it was closed. */
    public boolean isClosed() {
        return closed;
    }

    /** Stops reading; the timeline and the lines stay. */
    @Override
    public void close() {
        closed = true;
        stopReading();
    }

    /** What it does and whether it has begun: {@code Memory monitor, each 100th step: not started. …}. */
    @Override
    public String toString() {
        String state = MonitorLine.state(steps, seconds, closed, isReading(), timeline);
        return Stream.of(
                        Stream.of(state),
                        alarm().stream().map(Alarm::toString),
                        leaks().stream().map(Leak::toString))
                .flatMap(each -> each)
                .collect(Collectors.joining("\n"));
    }

    /** Ends the monitor, not the training that it follows, and says why. */
    void stopAfter(Throwable failure) {
        lines.add("The monitor stopped: " + failure);
        close();
    }

    void epochEnded(int epoch) {
        timeline.mark("epoch " + epoch);
    }

    private void readUntilClosed() {
        long began = System.nanoTime();
        try {
            while (reading()) {
                try {
                    note((System.nanoTime() - began) / 1e9, Reading.beside(), false);
                } catch (RuntimeException | LinkageError | AssertionError | VirtualMachineError e) {
                    lines.add(LineLog.FAILED + e);
                }
                pause();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean reading() {
        return reader == Thread.currentThread();
    }

    /** Ends early when the thread shall stop; an interrupt would break the channel a subscriber may be writing to. */
    private synchronized void pause() throws InterruptedException {
        if (reading()) {
            wait(seconds.toMillis());
        }
    }

    private synchronized void stopReading() {
        reader = null;
        notifyAll();
    }

    private void note(double x, Reading reading, boolean stepping) {
        timeline.add(reading.named(""));
        if (stepping || !counting) {
            finder.add(stepping ? "step" : "second", x, reading);
        }
        for (Consumer<Reading> subscriber : subscribers) {
            try {
                subscriber.accept(reading);
            } catch (RuntimeException | LinkageError e) {
                subscribers.remove(subscriber);
                lines.add("A subscriber was dropped: " + e);
            }
        }
        check(reading, stepping);
    }

    private void check(Reading reading, boolean stepping) {
        Optional<Alarm> raised = alarms.check(reading, finder::leaks);
        raised.ifPresent(alarm -> lines.add(alarm.toString()));
        if (stepping) {
            printAlarm();
        }
        raised.ifPresent(onAlarm);
    }

    private void printAlarm() {
        for (Optional<Alarm> next = alarms.toPrint(); next.isPresent(); next = alarms.toPrint()) {
            lines.print(next.get().toString());
        }
    }

    private static void trim() {
        System.gc();
        CudaCache.empty();
        NativeTrim.now();
    }
}

package io.headroom;

import ai.djl.training.Trainer;
import io.headroom.budget.Device;
import io.headroom.kernel.Kernels;
import io.headroom.kernel.NotebookKernel;
import io.headroom.memory.Leak;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Reading;
import io.headroom.memory.RoomCheck;
import io.headroom.memory.Timeline;
import io.headroom.model.Leftovers;
import io.headroom.model.LoadedModel;
import io.headroom.model.ReleaseReport;
import io.headroom.model.Variable;
import io.headroom.remedy.Comparison;
import io.headroom.render.Bundle;
import io.headroom.trace.Trace;
import io.headroom.training.InPlace;
import io.headroom.training.SampleTraining;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What one notebook remembers between its cells: the readings, what runs, the last failure. */
final class Session {
    private static final String CPU = "cpu";
    private static final Session CURRENT = new Session();

    private final Timeline timeline = new Timeline();
    private String device = CPU;
    private Workload running;
    private FailedStatement failure;
    private MemoryMonitor monitor;
    private final LiveMonitors live = new LiveMonitors();
    private Leftovers.Mark mark;
    private final List<Leftovers> leftovers = new ArrayList<>();

    static Session current() {
        return CURRENT;
    }

    /** Bytes that may still be taken, of a CUDA device where the notebook picked one: what estimates are held against. */
    static long headroom() {
        Reading now = Reading.now();
        OptionalLong free = CURRENT.onCuda() && now.devices().size() == 1
                ? now.devices().get(0).free()
                : OptionalLong.empty();
        return free.orElse(now.headroom().orElse(Long.MAX_VALUE));
    }

    /** What a workload is held against: what is usable of the device of the table that it names, else {@link #headroom}. */
    static Room room(Workload workload) {
        Device device = Device.named(workload.device());
        return device.usableBytes() == Long.MAX_VALUE
                ? headroom(inPlace(workload))
                : new Room(device.usableBytes(), device.name());
    }

    private static Room headroom(long inPlace) {
        long headroom = headroom();
        return inPlace == 0 || headroom > Long.MAX_VALUE - inPlace
                ? new Room(headroom, "the head-room here")
                : new Room(
                        headroom + inPlace,
                        Bytes.format(headroom) + " head-room and " + Bytes.format(inPlace)
                                + " that the block and its training take already");
    }

    /** What of the step the process holds already, with the state of the notebook's trainers. */
    static long inPlace(Workload workload) {
        return InPlace.bytes(
                workload,
                variables().stream()
                        .map(Variable::value)
                        .filter(Trainer.class::isInstance)
                        .map(Trainer.class::cast)
                        .toList());
    }

    /** Bytes, and whose they are. */
    record Room(long bytes, String name) {
        @Override
        public String toString() {
            return Bytes.format(bytes) + " (" + name + ")";
        }
    }

    private synchronized boolean onCuda() {
        return Device.named(device).kind() == Device.Kind.CUDA;
    }

    synchronized void place(String name) {
        device = name;
    }

    /** The workload on the device that the notebook picked. */
    synchronized Workload placed(Workload made) {
        return device.equals(CPU) ? made : made.device(device);
    }

    synchronized SampleTraining placed(SampleTraining made) {
        return made.device(device);
    }

    Timeline timeline() {
        return timeline;
    }

    /** The workload a cell was given. */
    static Workload given(Workload workload, String cell) {
        need(workload, cell + "(null): give a workload, such as transformer().batch(8).training(adam()).");
        return workload;
    }

    /** Refuses a step that the system would end the kernel for. */
    static Workload withinRoom(Workload workload) {
        Comparison.obstacle(workload).ifPresent(why -> {
            throw new IllegalStateException(workload + " was not run: " + why
                    + ", largestBatch(step) is the same with a batch that fits, and compare(step, …) runs what fits.");
        });
        return workload;
    }

    /** The same of a sample training. */
    static SampleTraining withinRoom(SampleTraining training) {
        if (Device.named(training.device()).kind() == Device.Kind.CPU) {
            RoomCheck.obstacle(training.predictedBytes()).ifPresent(why -> {
                throw new IllegalStateException("The training (" + training.title() + ") was not run: " + why
                        + "; or give it fewer samples, or smaller ones.");
            });
        }
        return training;
    }

    static void given(Trace trace, String cell) {
        need(trace, cell + "(null): give a trace, such as trace(\"alloc a 60 MiB\").");
    }

    /** What was given to a cell, unless it is null: the message says what to give. */
    static void need(Object given, String message) {
        if (given == null) {
            throw new IllegalArgumentException(message);
        }
    }

    /** A reading that the timeline keeps, if its stage has a name. */
    Reading read(String stage) {
        Reading reading = Reading.now(stage);
        if (!reading.stage().isEmpty()) {
            timeline.add(reading);
        }
        return reading;
    }

    <T> T noted(String stage, T value) {
        read(stage);
        return value;
    }

    /** Shows a value under the running cell, beside what the cell returns. */
    static void show(Bundle bundle) {
        Kernels.current().ifPresentOrElse(kernel -> kernel.display(bundle), () -> System.out.println(bundle.plain()));
    }

    /** The notebook's variables, as the release report names those that still hold arrays. */
    static List<Variable> variables() {
        return Kernels.current().map(NotebookKernel::variables).orElse(List.of()).stream()
                .map(variable -> new Variable(variable.name(), variable.type(), variable.value()))
                .toList();
    }

    /** Prints what was loaded: {@code var age = load(…)} is a declaration, which a notebook shows nothing of. */
    LoadedModel loaded(LoadedModel model) {
        System.out.println(model);
        return noted(model.name() + " loaded", model);
    }

    /** What the running statement runs for real from here on; {@link #ran} ends it. */
    synchronized void running(Workload next) {
        running = next;
    }

    synchronized <T> T ran(T value) {
        running = null;
        return value;
    }

    synchronized Optional<Workload> running() {
        return Optional.ofNullable(running);
    }

    synchronized MemoryMonitor watching(MemoryMonitor next) {
        monitor = next;
        return next;
    }

    void live(MemoryMonitor shown) {
        live.show(shown, variables());
    }

    /** The readings of one run, oldest first: the last monitor's where it read last, else the stages. */
    synchronized List<Reading> course() {
        return monitored() ? monitor.timeline().readings() : timeline.readings();
    }

    /** What grows in these readings, where a monitor took them. */
    synchronized List<Leak> leaks() {
        return monitored() ? monitor.leaks() : List.of();
    }

    private boolean monitored() {
        List<Reading> stages = timeline.readings();
        List<Reading> steps = monitor == null ? List.of() : monitor.timeline().readings();
        return !steps.isEmpty()
                && (stages.isEmpty() || last(steps).at().isAfter(last(stages).at()));
    }

    private static Reading last(List<Reading> readings) {
        return readings.get(readings.size() - 1);
    }

    synchronized void failed(FailedStatement statement) {
        failure = statement;
        leftovers.removeIf(Leftovers::isEmpty);
        statement.left().ifPresent(leftovers::add);
    }

    synchronized Optional<FailedStatement> failure() {
        return Optional.ofNullable(failure);
    }

    /** A statement ended: what it ran and what is open now is not the next one's. */
    synchronized void ended() {
        CellProgress.endAll();
        running = null;
        mark = Leftovers.mark();
    }

    /** What the statement left open that failed just now. */
    synchronized Optional<Leftovers> leftBy(String code) {
        return Optional.ofNullable(mark).map(before -> Leftovers.since(before, code, variables()));
    }

    /** Closes what the statements left open that ran out of memory. */
    synchronized ReleaseReport releaseFailed() {
        Optional<Leftovers> all = leftovers.stream().reduce(Leftovers::and);
        ReleaseReport report = release(all.orElseThrow(Session::nothingHeld));
        leftovers.clear();
        return report;
    }

    /** Closes what one statement left open. */
    ReleaseReport release(Leftovers left) {
        if (left.isEmpty()) {
            throw nothingHeld();
        }
        return noted("failed cell released", left.release(variables()));
    }

    private static IllegalStateException nothingHeld() {
        return new IllegalStateException("No failed cell holds arrays that are its own. release() collects what nothing"
                + " refers to, and names the variables that hold the rest.");
    }
}

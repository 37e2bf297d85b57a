package io.headroom;

import io.headroom.budget.Device;
import io.headroom.budget.Estimate;
import io.headroom.kernel.Kernels;
import io.headroom.kernel.NotebookKernel;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Reading;
import io.headroom.memory.Timeline;
import io.headroom.model.Leftovers;
import io.headroom.model.LoadedModel;
import io.headroom.model.ReleaseReport;
import io.headroom.model.Variable;
import io.headroom.render.Bundle;
import io.headroom.training.SampleTraining;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What one notebook remembers between its cells: the readings, the last workload, the last failure. */
final class Session {
    private static final String CPU = "cpu";
    private static final Session CURRENT = new Session();

    private final Timeline timeline = new Timeline();
    private String device = CPU;
    private Workload workload;
    private Explanation failure;
    private MemoryMonitor monitor;
    private Leftovers.Mark mark;
    private Leftovers leftovers;

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
                ? new Room(headroom(), "the head-room here")
                : new Room(device.usableBytes(), device.name());
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
        if (workload == null) {
            throw new IllegalArgumentException(
                    cell + "(null): give a workload, such as transformer().batch(8).training(adam()).");
        }
        return workload;
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

    synchronized Estimate estimated(Estimate estimate) {
        workload = estimate.workload();
        return estimate;
    }

    synchronized void running(Workload next) {
        workload = next;
    }

    synchronized MemoryMonitor watching(MemoryMonitor next) {
        monitor = next;
        return next;
    }

    /** The readings of one run, oldest first: the last monitor's where it read last, else the stages. */
    synchronized List<Reading> course() {
        List<Reading> stages = timeline.readings();
        List<Reading> steps = monitor == null ? List.of() : monitor.timeline().readings();
        boolean stepping = !steps.isEmpty()
                && (stages.isEmpty() || last(steps).at().isAfter(last(stages).at()));
        return stepping ? steps : stages;
    }

    private static Reading last(List<Reading> readings) {
        return readings.get(readings.size() - 1);
    }

    synchronized void failed(Explanation explanation) {
        failure = explanation;
    }

    /** A statement passed: what is open now is not the next one's. */
    synchronized void passed() {
        mark = Leftovers.mark();
    }

    /** What the statement left open that failed just now. */
    synchronized Optional<Leftovers> leftBy(String code) {
        leftovers = mark == null ? null : Leftovers.since(mark, code, variables());
        return Optional.ofNullable(leftovers);
    }

    /** Bytes that the last failed statement still holds; empty where it holds none. */
    synchronized Optional<Long> leftBytes() {
        return Optional.ofNullable(leftovers).map(Leftovers::bytes).filter(bytes -> bytes > 0);
    }

    /** Closes what the last failed statement left open; empty where it left nothing, or it was closed before. */
    synchronized Optional<ReleaseReport> releaseFailed() {
        Optional<ReleaseReport> report =
                Optional.ofNullable(leftovers).filter(left -> left.bytes() > 0).map(left -> left.release(variables()));
        leftovers = null;
        return report;
    }

    synchronized Optional<Explanation> failure() {
        return Optional.ofNullable(failure);
    }

    synchronized Optional<Workload> workload() {
        return Optional.ofNullable(workload);
    }
}

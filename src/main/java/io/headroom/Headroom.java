package io.headroom;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.repository.zoo.Criteria;
import io.headroom.allocator.AddressMap;
import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Footprint;
import io.headroom.allocator.MallocReplay;
import io.headroom.allocator.WhatIf;
import io.headroom.budget.Device;
import io.headroom.budget.Estimate;
import io.headroom.budget.Fit;
import io.headroom.budget.Formula;
import io.headroom.budget.Solver;
import io.headroom.budget.cuda.Cards;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.budget.cuda.PublishedPeaks;
import io.headroom.memory.Body;
import io.headroom.memory.Breakdown;
import io.headroom.memory.MemoryLimit;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Peak;
import io.headroom.memory.Reading;
import io.headroom.memory.Timeline;
import io.headroom.memory.Watch;
import io.headroom.model.LoadedModel;
import io.headroom.model.Models;
import io.headroom.model.Pipeline;
import io.headroom.model.ReleaseReport;
import io.headroom.model.Releases;
import io.headroom.model.SampleModels;
import io.headroom.oom.Log;
import io.headroom.remedy.Comparison;
import io.headroom.remedy.Frontier;
import io.headroom.remedy.Plan;
import io.headroom.remedy.Plans;
import io.headroom.remedy.Remedies;
import io.headroom.remedy.Remedy;
import io.headroom.remedy.Setups;
import io.headroom.render.AddressMapView;
import io.headroom.render.Bundle;
import io.headroom.render.PeakView;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.trace.TraceText;
import io.headroom.training.Measurement;
import io.headroom.training.Probe;
import io.headroom.training.SampleTraining;
import io.headroom.training.SampleTrainings;
import io.headroom.training.StepRunner;
import io.headroom.units.Bytes;
import io.headroom.widget.AddressPanel;
import io.headroom.widget.BudgetPanel;
import io.headroom.widget.MonitorPanel;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The cells of a notebook: each is one line into a room of the library, imported statically by the kernel.
 *
 * <p>Every cell returns a value that code can use; a notebook shows it as HTML, everything else as text. Bad input is an
 * exception that names the argument and its value, and changes nothing.
 *
 * <pre>{@code
 * memory("start")
 * var age = load("age", Path.of("models/age.pt"))
 * release(age)
 * var step = transformer().batch(64).nodes(25).seq(80).heads(8).dModel(128).layers(2).features(7).training(adam())
 * limit("9.07 GiB"); run(step);
 * }</pre>
 *
 * <p>Call the cells from one thread, as a notebook does.
 */
public final class Headroom {
    private Headroom() {}

    /** Reads where every byte of this process is. */
    public static Reading memory() {
        return Session.current().read("");
    }

    /**
     * Reads memory under a stage's name, prints one line and keeps the reading for {@link #timeline}.
     *
     * @throws IllegalArgumentException if the stage is null
     */
    public static Reading memory(String stage) {
        Reading reading = Session.current().read(stage);
        System.out.println(reading.line());
        return reading;
    }

    /**
     * Reads the resident set mapping by mapping: heap, libraries, files, the rest, and what malloc and the JVM say of it; some
     * milliseconds.
     *
     * @throws UnsupportedOperationException where the system does not tell (all but Linux)
     */
    public static Breakdown breakdown() {
        return Breakdown.now()
                .orElseThrow(() -> new UnsupportedOperationException(
                        "The mappings of this process cannot be read: only Linux tells them, in /proc/self/smaps. memory()"
                                + " has what this system gives."));
    }

    /**
     * Loads a TorchScript file and tells its bytes.
     *
     * @throws io.headroom.model.ModelException if it is missing, damaged or does not fit; nothing is lost
     */
    public static LoadedModel load(String name, Path file) {
        return Session.current().loaded(Models.load(name, file));
    }

    /** Loads a TorchScript file on a device, {@code Device.gpu()}; throws as {@link #load(String, Path)}. */
    public static LoadedModel load(String name, Path file, ai.djl.Device device) {
        return Session.current().loaded(Models.load(name, file, device));
    }

    /** Loads the {@code .params} file of a DJL block and tells its bytes; throws as {@link #load(String, Path)}. */
    public static LoadedModel load(String name, Block block, Path file) {
        return Session.current().loaded(Models.load(name, block, file));
    }

    /** Loads the {@code .params} file of a DJL block on a device; throws as {@link #load(String, Path)}. */
    public static LoadedModel load(String name, Block block, Path file, ai.djl.Device device) {
        return Session.current().loaded(Models.load(name, block, file, device));
    }

    /** Loads what a DJL criteria describes and tells its bytes; throws as {@link #load(String, Path)}. */
    public static LoadedModel load(String name, Criteria<?, ?> criteria) {
        return Session.current().loaded(Models.load(name, criteria));
    }

    /**
     * Gives back all that a loaded model holds and tells what came back.
     *
     * @throws IllegalStateException if it was released before
     */
    public static ReleaseReport release(LoadedModel model) {
        if (model == null) {
            throw new IllegalArgumentException("release(null): give the value that load(…) returned.");
        }
        return Session.current().noted(model.name() + " released", model.release(Session.variables()));
    }

    /**
     * Frees what a failed cell and the notebook's garbage still hold, and tells what came back and which variables hold the
     * rest: the heap is collected, malloc's free pages go back to the system. Nothing that a variable reaches is closed.
     */
    public static ReleaseReport release() {
        return Session.current().noted("leftovers released", ReleaseReport.leftovers(Session.variables()));
    }

    /**
     * Closes what cells that ran out of memory left open, and tells what came back: the batch they were at with all that its
     * forward pass made, and the arrays they put into lists and maps they name. Models, trainers, variables that are an
     * NDArray and what other variables refer to by now stay as they are.
     *
     * @throws IllegalStateException if no cell failed, or it left nothing open, or that was released before, or it cannot be
     *     told what is in use: another thread runs code of the notebook's or of a jar's, or a variable refers to too many objects
     *     or leads to a future that is not done, a running thread, an executor at work, a ThreadLocal, or, in a kernel that was
     *     started without Headroom's {@code --add-opens}, an iterator, a stream or a function such as
     *     {@code first.andThen(second)}
     */
    public static ReleaseReport releaseFailed() {
        return Session.current().releaseFailed();
    }

    /** Releases every model that is still loaded, the oldest first, and tells what came back and who holds the rest. */
    public static Releases releaseAll() {
        Releases releases = Models.releaseAll(Session.variables());
        return releases.isEmpty() ? releases : Session.current().noted("all released", releases);
    }

    /** The readings of all stages so far as a picture, with peak and limit; {@code timeline().toTable()} has the numbers. */
    public static Timeline timeline() {
        return Session.current().timeline();
    }

    /**
     * Watches a stretch of code: memory before, at most and after. If it throws, the peak is shown all the same and the
     * throwable passes through unchanged.
     */
    public static <E extends Exception> Peak watch(Body<E> body) throws E {
        return watched(() -> Watch.start(""), body);
    }

    /** Watches a stretch of code that returns something, as {@link #watch(Body)}; what it returns is dropped. */
    public static Peak watch(Callable<?> body) throws Exception {
        return watched(() -> Watch.start(""), valueless(body));
    }

    /**
     * As {@link #watch(Body)}, and records which operator took how many bytes, by the engine's profiler (CPU only); slower.
     * For a step, not an epoch: its own records, some 10 KiB an operator call, are in the peak, which is so not the code's.
     *
     * @throws IllegalStateException if such a stretch is already running
     * @throws UncheckedIOException if the profiler's file cannot be made; the body has not run then
     */
    public static <E extends Exception> Peak watchOperators(Body<E> body) throws E {
        return watched(() -> Watch.startWithOperators(""), body);
    }

    /** As {@link #watchOperators(Body)}, of code that returns something; what it returns is dropped. */
    public static Peak watchOperators(Callable<?> body) throws Exception {
        return watched(() -> Watch.startWithOperators(""), valueless(body));
    }

    /** The ten operators of {@link #watchOperators} that took most, as a bar chart. */
    public static Bundle operators(Peak peak) {
        Session.need(peak, "operators(null): give what watchOperators(() -> …) returned.");
        return PeakView.chart(peak);
    }

    private static Body<Exception> valueless(Callable<?> body) {
        return body == null ? null : () -> body.call();
    }

    private static <E extends Exception> Peak watched(Supplier<Watch> start, Body<E> body) throws E {
        if (body == null) {
            throw new IllegalArgumentException("watch(null): give the code to watch, watch(() -> trainer.step()).");
        }
        Watch watch = start.get();
        try {
            body.run();
        } catch (Throwable thrown) {
            try {
                Session.show(PeakView.of(watch.stop()));
            } catch (RuntimeException | OutOfMemoryError unread) {
                thrown.addSuppressed(unread); // a peak that cannot be shown must not hide why the body failed
            }
            throw thrown;
        }
        return watch.stop();
    }

    /**
     * A monitor that reads on every so many steps of a training: call its {@code step(n)}, give its {@code listener()} to DJL's
     * trainer, or see {@link MemoryMonitor#run}. Its lines are printed; {@code printTo(line -> {})} keeps it silent.
     */
    public static MemoryMonitor monitor(long steps) {
        return Session.current().watching(printing(MemoryMonitor.everySteps(steps)));
    }

    /**
     * A monitor that reads on a thread of its own once {@link #live} or its {@code start()} starts it. That thread prints
     * nothing: an alarm is printed by the next {@code step(n)}, at most one of which reads in each interval.
     */
    public static MemoryMonitor monitor(Duration interval) {
        return Session.current().watching(printing(MemoryMonitor.every(interval)));
    }

    private static MemoryMonitor printing(MemoryMonitor monitor) {
        return monitor.printTo(line -> System.out.println(line)); // a kernel may give each cell another System.out
    }

    /**
     * Starts a monitor, unless it was closed, and shows it live, at once and wherever in a cell it is called: the view keeps
     * moving while the cell goes on and after it has ended. In a cell run again it closes the monitor that the variable held.
     */
    public static void live(MemoryMonitor monitor) {
        MonitorPanel panel = MonitorPanel.of(monitor);
        Session.current().live(monitor);
        if (!monitor.isClosed()) {
            monitor.start();
        }
        Session.show(Views.find(panel).orElseThrow());
    }

    /** The block of the sample {@code .params} models: {@code sampleBlock("100 MiB")}. */
    public static Block sampleBlock(String weight) {
        return SampleModels.perceptron(Bytes.parse(weight));
    }

    /**
     * A sample TorchScript model of any size, written into {@code models} unless it is there: {@code sampleModel("age", "600
     * MiB")}; it takes an input of shape {@code (n, 64)}.
     *
     * @throws UncheckedIOException if it cannot be written
     */
    public static Path sampleModel(String name, String weight) {
        try (CellProgress progress = CellProgress.start("Writing the sample model " + name)) {
            progress.accept(weight);
            return SampleModels.torchScript(Path.of("models"), name, Bytes.parse(weight));
        } catch (IOException e) {
            throw new UncheckedIOException("The sample model " + name + " cannot be written: " + e, e);
        }
    }

    /** Models that run one after another, each released before the next is loaded; a progress line tells where it is. */
    public static Pipeline pipeline() {
        return new Pipeline().onProgress(CellProgress.ofPipeline());
    }

    /**
     * Caps this process's memory so that libtorch really fails beyond it: {@code limit("2 GiB")}.
     *
     * @throws IllegalArgumentException if it is no size, or below what is in use
     * @throws UnsupportedOperationException where the system cannot cap a running process (all but Linux)
     */
    public static MemoryLimit limit(String size) {
        return MemoryLimit.set(Bytes.parse(size));
    }

    /** Takes the cap of {@link #limit} away. */
    public static String unlimited() {
        return MemoryLimit.lift() ? "The cap is lifted." : "There was no cap.";
    }

    /**
     * Explains the last cell that ran out of memory, again.
     *
     * @throws IllegalStateException if no cell has
     */
    public static Explanation diagnose() {
        return Session.current()
                .failure()
                .map(FailedStatement::explanation)
                .orElseThrow(
                        () -> new IllegalStateException("No cell of this notebook has run out of memory, so there is"
                                + " nothing to diagnose. Paste a message, diagnose(\"CUDA out of memory. …\"), or give a log file,"
                                + " diagnose(Path.of(\"train.log\"))."));
    }

    /** Explains a pasted message: any backend, any version, wrapped in whatever a log wraps it in. */
    public static Explanation diagnose(String text) {
        return Failures.explain(Log.read(text));
    }

    /** Explains what was thrown, causes and suppressed ones too. */
    public static Explanation diagnose(Throwable thrown) {
        return Failures.explain(thrown);
    }

    /**
     * Explains the first memory error in a log file of any size.
     *
     * @throws UncheckedIOException if the file cannot be read
     */
    public static Explanation diagnose(Path log) {
        Session.need(log, "diagnose(null): give a log file, diagnose(Path.of(\"train.log\")), or a message.");
        try (InputStream in = Files.newInputStream(log)) {
            return Failures.explain(Log.read(in));
        } catch (IOException e) {
            throw new UncheckedIOException("The log " + log + " cannot be read: " + e, e);
        }
    }

    /**
     * Picks the device for the steps and trainings that this notebook describes from here on: {@code device("cpu")}, as it is
     * without, {@code device("cuda")} or {@code device("mps")}. What they run on is what they are estimated for.
     *
     * @return the name, for {@code .device(…)} of a workload made otherwise
     * @throws IllegalArgumentException if there is no such device here; the pick is then as before, and a step that names it is estimated
     */
    public static String device(String name) {
        if (name == null) {
            throw new IllegalArgumentException("device(null): give \"cpu\", \"cuda\" or \"mps\".");
        }
        String plain = Device.named(name).name();
        StepRunner.requireDevice(plain);
        Session.current().place(plain);
        return plain;
    }

    /** An encoder stack as PyTorch's defaults have it; set its sizes with {@code batch}, {@code seq}, {@code heads}, …. */
    public static Workload transformer() {
        return Session.current().placed(Workload.transformer());
    }

    /** A perceptron of several layers. */
    public static Workload mlp() {
        return Session.current().placed(Workload.mlp());
    }

    /** A convolutional network. */
    public static Workload cnn() {
        return Session.current().placed(Workload.cnn());
    }

    /** A stack of LSTM layers. */
    public static Workload lstm() {
        return Session.current().placed(Workload.lstm());
    }

    /** A graph attention network; set its sizes with {@code nodes}, {@code edges}, {@code heads}, …. */
    public static Workload gat() {
        return Workload.gat();
    }

    /** Adam: two states a weight. */
    public static OptimizerKind adam() {
        return OptimizerKind.ADAM;
    }

    /** AdamW: two states a weight. */
    public static OptimizerKind adamw() {
        return OptimizerKind.ADAMW;
    }

    /** Plain SGD: no state. */
    public static OptimizerKind sgd() {
        return OptimizerKind.SGD;
    }

    /** SGD with momentum: one state a weight. */
    public static OptimizerKind momentum() {
        return OptimizerKind.MOMENTUM;
    }

    /** The attention arithmetic with the numbers substituted, and what a real step takes beyond it. */
    public static Formula formula(Workload workload) {
        return Formula.of(Session.given(workload, "formula"));
    }

    /** What one step of the workload needs, and when. */
    public static Estimate estimate(Workload workload) {
        return Estimate.of(Session.given(workload, "estimate"));
    }

    /**
     * What one training step of a block of your own needs: {@code estimate(block, new Shape(32, 512), adam())}. The block is
     * read, not initialized; {@code Workload.of(…)} with the same arguments gives a workload for all other cells.
     *
     * @throws IllegalArgumentException if the block takes another input, no step of it runs in DJL, or it has code that cannot
     *     be read: {@link #budget(Block, Shape, OptimizerKind)} measures such a block
     */
    public static Estimate estimate(Block block, Shape input, OptimizerKind optimizer) {
        return estimate(Workload.of(block, input, optimizer));
    }

    /**
     * Puts a workload under sliders, beside the head-room there is; {@code budget(step).workload()} is what they say.
     *
     * @throws IllegalArgumentException if the workload does not hold together
     */
    public static BudgetPanel budget(Workload workload) {
        long inPlace = Session.inPlace(Session.given(workload, "budget"));
        LongSupplier room = () -> Session.room(workload).bytes();
        return inPlace == 0
                ? BudgetPanel.of(workload, room)
                : BudgetPanel.of(workload, room, "head-room with what the block takes already");
    }

    /**
     * The same for a block of your own. One with code that cannot be read is measured, as by {@link #probe(Block, Shape,
     * OptimizerKind)}, which takes seconds: the panel then shows the measured steps and has no sliders.
     *
     * @throws IllegalArgumentException if the block takes another input, or no step of it runs in DJL
     * @throws IllegalStateException if it can be neither read nor measured; tells both reasons
     */
    public static BudgetPanel budget(Block block, Shape input, OptimizerKind optimizer) {
        Workload step = Workload.of(block, input, optimizer);
        return OwnCode.in(step)
                .map(code -> BudgetPanel.of(code.measure(), code.sentence()))
                .orElseGet(() -> budget(step));
    }

    /** The same beside a size that you name, in bytes above the idle process, or on a device: {@code budget(step, "T4")}. */
    public static BudgetPanel budget(Workload workload, String limit) {
        Limited limited = Limited.by(Session.given(workload, "budget"), limit);
        return limited.onDevice()
                ? BudgetPanel.of(limited.step(), Session::headroom)
                : BudgetPanel.of(limited.step(), limited.room().bytes());
    }

    /**
     * Runs one step for real and measures its peak.
     *
     * @throws IllegalStateException if it needs more than the machine or the container has left and no {@link #limit} comes first
     * @throws ai.djl.engine.EngineException if the engine refuses an allocation; everything is given back first
     */
    public static Measurement run(Workload workload) {
        Session session = Session.current();
        session.running(Session.withinRoom(Session.given(workload, "run")));
        try (CellProgress progress = CellProgress.start("One step of " + workload)) {
            return session.ran(session.noted("step of batch " + workload.batch(), StepRunner.run(workload, progress)));
        }
    }

    /**
     * Measures a few small steps and tells from them what this one will take, and the largest batch that fits: for a block
     * that {@link #estimate} does not know, or as a second opinion. {@code probe(step).at(step.batch(64))} tells of another.
     *
     * @throws IllegalStateException if one sequence alone has no room here
     * @throws IllegalArgumentException if the model cannot run on its input
     */
    public static Probe probe(Workload workload) {
        Session session = Session.current();
        session.running(Session.given(workload, "probe"));
        try (CellProgress progress = CellProgress.start("Probing " + workload)) {
            return session.ran(session.noted("probe", Probe.of(workload, Session.headroom(), progress)));
        }
    }

    /** The same for a block of your own, in this JVM: {@code probe(block, new Shape(8, 128, 32), adam())}. */
    public static Probe probe(Block block, Shape input, OptimizerKind optimizer) {
        return probe(Workload.of(block, input, optimizer));
    }

    /**
     * Runs a workload and each remedy applied to it, predicted beside measured: {@code compare(step, Remedies.batch(8),
     * Remedies.checkpointing(2))}; without remedies, all that apply to it. What {@link #run} would refuse is a row that says so.
     */
    public static Comparison compare(Workload workload, Remedy... remedies) {
        Session.given(workload, "compare");
        for (Remedy remedy : remedies) {
            Session.need(
                    remedy,
                    "compare(step, null): give a remedy, such as Remedies.batch(8), or none for all that apply.");
        }
        List<Remedy> chosen = remedies.length > 0
                ? List.of(remedies)
                : Remedies.applicableTo(workload).stream()
                        .filter(Remedy::changesWorkload)
                        .toList();
        Session.current().running(workload);
        try (CellProgress progress = CellProgress.start("Running " + (chosen.size() + 1) + " variants")) {
            return Session.current().ran(Comparison.of(workload, chosen, progress));
        }
    }

    /** A sample training that can make the mistakes of a real one: {@code training(40, "16 MiB").epochs(5).keepReferences()}. */
    public static SampleTraining training(int samples, String sample) {
        return Session.current().placed(SampleTraining.of(samples, Bytes.parse(sample)));
    }

    /**
     * Runs a sample training for real and measures its peak.
     *
     * @throws IllegalStateException if it needs more than the machine or the container has left and no {@link #limit} comes first
     * @throws ai.djl.engine.EngineException if the engine refuses an allocation; everything is given back first
     */
    public static SampleTraining.Run train(SampleTraining training) {
        Session.need(training, "train(null): give a training, such as training(40, \"16 MiB\").epochs(5).");
        Session.withinRoom(training);
        try (CellProgress progress = CellProgress.start("Training")) {
            return training.run(progress);
        }
    }

    /** Runs variants of a sample training, predicted beside measured; savings are held against the first. */
    public static SampleTrainings compare(SampleTraining first, SampleTraining... others) {
        List<SampleTraining> all = new ArrayList<>(Arrays.asList(others));
        all.add(0, first);
        for (SampleTraining training : all) {
            Session.need(
                    training,
                    "compare(…) of a training that is null: give trainings, such as training(40, \"16 MiB\").");
            Session.withinRoom(training);
        }
        try (CellProgress progress = CellProgress.start("Running " + all.size() + " trainings")) {
            return SampleTrainings.of(all, progress);
        }
    }

    /**
     * The same workload with the largest batch whose upper bound fits: the head-room there is now, or what is usable of the device of
     * the table that the workload names.
     *
     * @throws IllegalStateException if not even the smallest batch fits; says what is left to try
     */
    public static Workload largestBatch(Workload workload) {
        return largestBatch(workload, Session.room(Session.given(workload, "largestBatch")));
    }

    /**
     * The same beside a size that you name, in bytes above the idle process or device, or on a device by its name: {@code
     * largestBatch(step, "9 GiB")}, {@code largestBatch(step, "T4")}.
     *
     * @throws IllegalArgumentException if the limit is neither; the message lists the devices
     */
    public static Workload largestBatch(Workload workload, String limit) {
        Limited limited = Limited.by(Session.given(workload, "largestBatch"), limit);
        return largestBatch(limited.step(), limited.room());
    }

    private static Workload largestBatch(Workload workload, Session.Room room) {
        OptionalLong batch = Solver.largestBatch(workload, room.bytes());
        if (batch.isEmpty()) {
            long least = Solver.smallest(workload, Option.BATCH);
            throw new IllegalStateException("Not even batch " + least + " of " + workload + " fits "
                    + room + ": it can need "
                    + Bytes.format(Estimate.of(workload.batch(least)).upperBytes())
                    + (workload.isOwnBlock()
                            ? ". Freeze layers, Freezing.allBut(block, \"head\"), train with sgd(), which keeps no state, or"
                                    + " give the block a smaller input."
                            : ". Make seq, nodes or layers smaller, or try checkpointing."));
        }
        return workload.batch(batch.getAsLong());
    }

    /**
     * The cheapest set of remedies with which a workload fits the head-room there is now, or what is usable of the device of the table
     * that it names, as {@link #cheapest(Workload, String)}.
     */
    public static Plan cheapest(Workload workload) {
        return cheapest(workload, Session.room(Session.given(workload, "cheapest")));
    }

    /**
     * The cheapest set of remedies with which a workload fits a size above the idle process, or a device by its name, see {@link
     * Plans#cheapest}.
     *
     * @throws IllegalArgumentException if the limit is neither; the message lists the devices
     * @throws IllegalStateException if all remedies together are not enough; says how far they go
     */
    public static Plan cheapest(Workload workload, String limit) {
        Limited limited = Limited.by(Session.given(workload, "cheapest"), limit);
        return cheapest(limited.step(), limited.room());
    }

    private static Plan cheapest(Workload workload, Session.Room room) {
        return Plans.cheapest(workload, room.bytes()).orElseThrow(() -> {
            Plan smallest = Plans.smallest(workload);
            return new IllegalStateException("No set of remedies brings " + workload + " within " + room + ": "
                    + smallest + " is the smallest.");
        });
    }

    /**
     * A training step of a published model on a CUDA card, followed without one: {@code preset("gpt2").batch(35).seq(128)}.
     *
     * @throws IllegalArgumentException if there is no such model; the message offers the nearest names
     */
    public static CudaStep.Builder preset(String name) {
        return CudaStep.of(Preset.named(name));
    }

    /** The same, an image network with another number of classes: {@code preset("ResNet50", 10).batch(64).image(96)}. */
    public static CudaStep.Builder preset(String name, long classes) {
        return CudaStep.of(Preset.named(name, classes));
    }

    /**
     * The same of any size of a known family, by its Hugging Face config.json: {@code preset(Path.of("models/mine/config.json"))}.
     *
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if it is none, or of a network that is not followed; the message says what was understood
     */
    public static CudaStep.Builder preset(Path config) throws IOException {
        if (config == null) {
            throw new IllegalArgumentException("preset(null): give the path of a config.json.");
        }
        if (Files.notExists(config)) {
            throw new NoSuchFileException(config.toString(), null, "there is no such file");
        }
        return CudaStep.of(Preset.read(config));
    }

    /**
     * Whether a training step of a published model fits on a card: {@code fits("gpt2", "RTX 3060")}, {@code fits("ResNet50", "24
     * GiB")}; batch 1, AdamW, fp32.
     *
     * @throws IllegalArgumentException if there is no such model or card; the message offers names
     */
    public static CudaFit fits(String preset, String card) {
        return fits(preset(preset), card);
    }

    /** The same with sizes of your own: {@code fits(preset("gpt2").batch(35), "11.76 GiB")}. */
    public static CudaFit fits(CudaStep.Builder step, String card) {
        if (step == null) {
            throw new IllegalArgumentException("fits(null): give a model, such as preset(\"gpt2\").batch(8).");
        }
        try (CellProgress progress = CellProgress.start("Whether it fits")) {
            return CudaFit.of(step.build(), Cards.named(card), progress);
        }
    }

    /**
     * Peaks of a published model's training that others measured on a GPU, beside our estimates and those of four tools.
     *
     * @throws IllegalArgumentException if there is no such model or no such run; the message offers names
     */
    public static PublishedPeaks publishedPeaks(String preset) {
        return PublishedPeaks.of(preset);
    }

    /**
     * Whether one step of a workload fits a size above the idle process, or a device by its name: {@code fits(step, "8 GiB")}.
     *
     * @throws IllegalArgumentException if it is neither; the message lists the devices
     */
    public static Fit fits(Workload workload, String limit) {
        Workload step = Session.given(workload, "fits");
        boolean size = limit != null
                && !limit.isBlank()
                && Character.isDigit(limit.strip().charAt(0));
        return size ? Fit.of(step, Bytes.parse(limit)) : Fit.of(step, Device.named(String.valueOf(limit)));
    }

    /** Cost against peak: ever dearer sets of remedies with an ever smaller peak, see {@link Plans#frontier}. */
    public static Frontier frontier(Workload workload) {
        return Plans.frontier(Session.given(workload, "frontier"));
    }

    /** What to run at each usual memory size, see {@link Plans#setups}. */
    public static Setups setups(Workload workload) {
        return Plans.setups(Session.given(workload, "setups"), Plans.SIZES);
    }

    /**
     * Replays a PyTorch memory snapshot (or a trace as text) under other allocator settings: which would have survived,
     * and with how much.
     *
     * @throws IOException if the file cannot be read or is no snapshot; the message says what it is
     */
    public static WhatIf whatIf(Path snapshot) throws IOException {
        return whatIf(snapshot, "");
    }

    /**
     * The same on a device where PyTorch can have so many bytes, against settings of your own: {@code
     * whatIf(Path.of("run.pickle"), "22 GiB", "max_split_size_mb:200")}.
     *
     * @param limit a size; empty for what the file tells
     * @param confs texts for {@code PYTORCH_CUDA_ALLOC_CONF}; the usual ones if there are none
     */
    public static WhatIf whatIf(Path file, String limit, String... confs) throws IOException {
        return whatIf(file, limited(limit), confs);
    }

    /** The same with all that may be given: {@code WhatIf.Given.nothing().withDevice(1).withTotal("80 GiB")}. */
    public static WhatIf whatIf(Path file, WhatIf.Given given, String... confs) throws IOException {
        Session.need(file, "whatIf(null): give a snapshot's file, whatIf(Path.of(\"run.pickle\")), or a trace.");
        try (CellProgress progress = CellProgress.start("What if")) {
            return WhatIf.of(file, given, tried(confs), progress);
        }
    }

    private static WhatIf.Given limited(String limit) {
        return limit == null || limit.isBlank()
                ? WhatIf.Given.nothing()
                : WhatIf.Given.nothing().withLimit(limit);
    }

    /** The same for a trace on a device of so many bytes (empty: without end): {@code whatIf(trace, "44 GiB")}. */
    public static WhatIf whatIf(Trace trace, String limit, String... confs) {
        Session.given(trace, "whatIf");
        WhatIf.Given given = limited(limit);
        try (CellProgress progress = CellProgress.start("What if")) {
            return WhatIf.of(trace, given, tried(confs), progress);
        }
    }

    private static List<String> tried(String... confs) {
        return confs == null || confs.length == 0 ? WhatIf.CANDIDATES : List.of(confs);
    }

    /** The run that a snapshot recorded, or a text file tells, as a trace; throws as {@link #whatIf(Path)}. */
    public static Trace trace(Path file) throws IOException {
        Session.need(file, "trace(null): give a snapshot's file, trace(Path.of(\"run.pickle\")), or a text.");
        if (TraceText.isTrace(file)) {
            return TraceText.read(file);
        }
        try (CellProgress progress = CellProgress.start("Trace")) {
            Snapshot read = Snapshot.read(file, progress);
            return read.trace(WhatIf.busiest(read));
        }
    }

    /** Reads a trace a person wrote, one event a line, see {@link TraceText}. */
    public static Trace trace(String text) {
        Session.need(text, "trace(null): give a text such as \"alloc a 60 MiB\", or a snapshot's file.");
        return TraceText.parse(text);
    }

    /** Replays a trace under a {@code PYTORCH_CUDA_ALLOC_CONF} on a device of so many bytes. */
    public static Footprint replay(Trace trace, String conf, String limit) {
        Session.given(trace, "replay");
        return CachingAllocator.replay(trace, AllocatorSettings.parse(conf), Bytes.parse(limit));
    }

    /** Runs a trace on the C library's own malloc, under each of its settings, and measures it: Linux only. */
    public static MallocReplay replayOnMalloc(Trace trace) {
        Session.given(trace, "replayOnMalloc");
        try (CellProgress progress = CellProgress.start("The trace on malloc")) {
            return MallocReplay.of(trace, progress);
        }
    }

    /**
     * What lies where on the device after an event, holes visible.
     *
     * @throws IllegalArgumentException if the trace has no such event; the message says which it has
     */
    public static AddressMap addressMap(Trace trace, String conf, String limit, int event) {
        Session.given(trace, "addressMap");
        return AddressMap.at(trace, AllocatorSettings.parse(conf), Bytes.parse(limit), event);
    }

    /** Address maps beside each other, drawn to one scale. */
    public static Bundle sideBySide(AddressMap... maps) {
        if (maps.length == 0) {
            throw new IllegalArgumentException(
                    "sideBySide(): give address maps, such as addressMap(trace, \"\", \"44 GiB\", 120).");
        }
        return AddressMapView.sideBySide(List.of(maps));
    }

    /** The address map under a slider that moves through the run. */
    public static AddressPanel addressSlider(Trace trace, String conf, String limit) {
        Session.given(trace, "addressSlider");
        return AddressPanel.of(AddressMap.moments(trace, AllocatorSettings.parse(conf), Bytes.parse(limit), 48));
    }
}

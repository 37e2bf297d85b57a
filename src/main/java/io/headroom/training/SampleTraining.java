package io.headroom.training;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.listener.EvaluatorTrainingListener;
import ai.djl.training.loss.Loss;
import ai.djl.translate.TranslateException;
import io.headroom.memory.MemoryMonitor;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * A small training of several epochs that can make the mistakes of the third and fourth case: samples kept by reference,
 * intermediates collected, too many batches in flight.
 *
 * <p>It really trains a linear model on random samples through DJL's {@code Trainer}; what it holds is made of the samples.
 * {@link #predictedBytes()} counts that by hand, {@link #run()} measures it, from one random seed. Immutable: each call returns another training.
 *
 * <pre>{@code
 * SampleTraining leaky = SampleTraining.of(40, 4 * Bytes.MIB).epochs(5).keepReferences();
 * leaky.predictedBytes();                       // 5 × 40 × 4 MiB and the batch at work
 * leaky.run().peakBytes();                      // measured
 * leaky.copySamples().run().peakBytes();        // the batch at work alone
 * }</pre>
 *
 * @param samples in the data set
 * @param sampleBytes of one sample, float32
 * @param epochs to train
 * @param batch samples in a batch
 * @param prefetch batches made ready beside the one at work
 * @param references whether the data set keeps every sample it has handed out
 * @param intermediates whether the first layer's output of every batch is collected
 * @param emptyEvery batches between two calls that empty the allocator's cache; 0 for never
 * @param monitor that takes a reading on each step
 * @param device on which it trains, as a workload names it
 */
public record SampleTraining(
        int samples,
        long sampleBytes,
        int epochs,
        int batch,
        int prefetch,
        boolean references,
        boolean intermediates,
        int emptyEvery,
        Optional<MemoryMonitor> monitor,
        String device) {
    private static final int FEATURES = 64;
    private static final int FLOAT = 4;
    private static final int SEED = 7;
    /** The batch's samples stacked, the samples themselves until the stack is made, the first layer's output. */
    private static final int COPIES = 2;

    public SampleTraining {
        require("samples", samples, 1);
        require("epochs", epochs, 1);
        require("batch", batch, 1);
        require("prefetch", prefetch, 0);
        require("emptyCache", emptyEvery, 0);
        if (batch > samples) {
            throw new IllegalArgumentException("batch = " + batch + " is larger than the " + samples
                    + (samples == 1 ? " sample" : " samples") + " there are: give a smaller batch, or more samples.");
        }
        if (sampleBytes < FEATURES * FLOAT) {
            throw new IllegalArgumentException(
                    "sampleBytes = " + sampleBytes + ": a sample has " + FEATURES * FLOAT + " bytes or more.");
        }
    }

    private static void require(String name, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " = " + value + ": give " + least + " or more.");
        }
    }

    /** One epoch over a data set, in batches of 2, without mistakes. */
    public static SampleTraining of(int samples, long sampleBytes) {
        return new SampleTraining(samples, sampleBytes, 1, 2, 0, false, false, 0, Optional.empty(), "cpu");
    }

    public SampleTraining epochs(int number) {
        return with(number, batch, prefetch, references, intermediates, emptyEvery, monitor);
    }

    public SampleTraining batch(int size) {
        return with(epochs, size, prefetch, references, intermediates, emptyEvery, monitor);
    }

    /** Batches that the loader makes ready beside the one at work. */
    public SampleTraining prefetch(int batches) {
        return with(epochs, batch, batches, references, intermediates, emptyEvery, monitor);
    }

    /** The data set keeps what it hands out: the third case's first cause. */
    public SampleTraining keepReferences() {
        return with(epochs, batch, prefetch, true, intermediates, emptyEvery, monitor);
    }

    /** The data set hands out copies that the batch owns: the remedy. */
    public SampleTraining copySamples() {
        return with(epochs, batch, prefetch, false, intermediates, emptyEvery, monitor);
    }

    /** Every batch's intermediate is collected: the fourth case's unused trajectory. */
    public SampleTraining keepIntermediates() {
        return with(epochs, batch, prefetch, references, true, emptyEvery, monitor);
    }

    /** Intermediates go with their batch: the remedy. */
    public SampleTraining dropIntermediates() {
        return with(epochs, batch, prefetch, references, false, emptyEvery, monitor);
    }

    /** Empties the allocator's cache every so many batches and at each end of an epoch. */
    public SampleTraining emptyCache(int batches) {
        return with(epochs, batch, prefetch, references, intermediates, batches, monitor);
    }

    /** Takes a reading on each step. */
    public SampleTraining monitored(MemoryMonitor by) {
        return with(epochs, batch, prefetch, references, intermediates, emptyEvery, Optional.of(by));
    }

    /** Trains on this device: {@code "cpu"}, {@code "cuda"} or {@code "mps"}, measured as {@link StepRunner} measures. */
    public SampleTraining device(String name) {
        return new SampleTraining(
                samples, sampleBytes, epochs, batch, prefetch, references, intermediates, emptyEvery, monitor, name);
    }

    private SampleTraining with(int e, int b, int p, boolean r, boolean i, int c, Optional<MemoryMonitor> m) {
        return new SampleTraining(samples, sampleBytes, e, b, p, r, i, c, m, device);
    }

    /** What is held at the end of the last epoch, counted: what was kept, and the batches at work and in flight. */
    public long predictedBytes() {
        long seen = Bytes.times((long) epochs * (samples / batch) * batch, sampleBytes);
        long atWork = Bytes.times((long) batch * (COPIES + prefetch), sampleBytes);
        return Bytes.plus(Bytes.plus(references ? seen : 0, intermediates ? seen : 0), atWork);
    }

    /** What it holds beside the batch at work: {@code "batch 2, references kept, prefetch 4"}. */
    public String title() {
        List<String> words = new ArrayList<>(List.of("batch " + batch));
        if (references) {
            words.add("references kept");
        }
        if (intermediates) {
            words.add("intermediates kept");
        }
        if (prefetch > 0) {
            words.add("prefetch " + prefetch);
        }
        if (emptyEvery > 0) {
            words.add("cache emptied every " + emptyEvery);
        }
        return String.join(", ", words);
    }

    /** Trains, as {@link #run(Consumer)}. */
    public Run run() {
        return run(stage -> {});
    }

    /**
     * Trains for real and measures the peak above where it began.
     *
     * @param progress told each epoch as it begins
     * @throws ai.djl.engine.EngineException if the engine refuses an allocation; everything is given back first
     * @throws java.util.concurrent.CancellationException if the thread was interrupted; everything is given back
     */
    public Run run(Consumer<String> progress) {
        Interrupts.check("before the training began");
        Device home = StepDevice.of(device);
        WarmUp.before(this, home);
        CacheEmptying.now(home);
        try (StepMeter meter = StepDevice.meter(home)) {
            return run(progress, home, meter);
        }
    }

    Run run(Consumer<String> progress, Device home, StepMeter meter) {
        Engine.getInstance().setRandomSeed(SEED);
        long began = System.nanoTime();
        float loss = Float.NaN;
        ExecutorService loader = prefetch == 0 ? null : Executors.newFixedThreadPool(prefetch);
        try (Model model = Model.newInstance("sample", home, "PyTorch");
                NDManager kept = NDManager.newBaseManager(home, "PyTorch")) {
            kept.setName(references ? "kept by the data set" : "trajectory, never used");
            model.setBlock(block(kept));
            DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.l2Loss()).optDevices(new Device[] {home});
            config.addTrainingListeners(new EvaluatorTrainingListener());
            monitor.ifPresent(by -> config.addTrainingListeners(by.listener()));
            if (emptyEvery > 0) {
                config.addTrainingListeners(new CacheEmptying(emptyEvery));
            }
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(batch, width()));
                SampleData data = new SampleData(samples, width(), batch, prefetch, references ? kept : null);
                for (int epoch = 1; epoch <= epochs; epoch++) {
                    progress.accept("epoch " + epoch + " of " + epochs);
                    for (Batch next : data.getData(trainer.getManager(), loader)) {
                        try (next) {
                            Interrupts.check("in epoch " + epoch + ": the training was given back");
                            EasyTrain.trainBatch(trainer, next);
                            trainer.step();
                        }
                    }
                    loss = trainer.getLoss().getAccumulator(EvaluatorTrainingListener.TRAIN_EPOCH);
                    trainer.notifyListeners(listener -> listener.onEpoch(trainer));
                }
            }
            return new Run(this, meter.roseBytes(), Duration.ofNanos(System.nanoTime() - began), loss);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (TranslateException e) {
            throw new IllegalStateException("a batch could not be made: " + e.getMessage(), e);
        } finally {
            if (loader != null) {
                loader.shutdownNow();
            }
            CacheEmptying.now(home);
        }
    }

    private long width() {
        return sampleBytes / FLOAT / FEATURES * FEATURES;
    }

    private SequentialBlock block(NDManager kept) {
        return new SequentialBlock()
                .add(new LambdaBlock(inputs -> {
                    NDArray hidden = inputs.head().abs();
                    NDArray pooled = hidden.reshape(hidden.getShape().get(0), FEATURES, -1)
                            .mean(new int[] {2});
                    if (intermediates) {
                        hidden.attach(kept);
                    }
                    return new NDList(pooled);
                }))
                .add(Linear.builder().setUnits(1).build());
    }

    /**
     * What a training really took.
     *
     * @param training that ran
     * @param peakBytes above the process before it
     * @param took from its first batch to its last
     * @param loss of the last epoch
     */
    public record Run(SampleTraining training, long peakBytes, Duration took, float loss) {
        /** The prediction's error: +0.05 is 5 % too high. */
        public double error() {
            return (double) training.predictedBytes() / peakBytes - 1;
        }

        /** {@code "references kept: predicted 816.00 MiB, measured 820.10 MiB (-0.5 %), 3.1 s, loss 0.5012"}. */
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%s: predicted %s, measured %s (%+.1f %%), %.1f s, loss %.4f",
                    training.title(),
                    Bytes.format(training.predictedBytes()),
                    Bytes.format(peakBytes),
                    100 * error(),
                    took.toMillis() / 1000.0,
                    loss);
        }
    }
}

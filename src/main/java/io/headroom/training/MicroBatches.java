package io.headroom.training;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Block;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.listener.TrainingListener.BatchData;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Trains one batch in slices: the activations of a slice, the gradients of the whole.
 *
 * <p>Takes the place of {@code EasyTrain.trainBatch}; {@code trainer.step()} follows as usual. The gradients equal those of
 * the whole batch when the loss is a mean over the batch (DJL's are) and no layer mixes samples (batch norm does).
 *
 * <pre>{@code
 * for (Batch batch : trainer.iterateDataset(dataset)) {      // batches of 32
 *     MicroBatches.train(trainer, batch, 4);                 // the memory of 8
 *     trainer.step();
 *     batch.close();
 * }
 * }</pre>
 *
 * <p>If a slice or a listener fails (out of memory, an interrupted cell), the gradients of this step are zeroed and batch
 * norm's running statistics put back, then the error goes on to the caller: weights and gradients are as before the step.
 * Where a {@link HeadroomTrainer} gathers several batches, the step begins with the first of them. One thread, as
 * {@link Trainer}.
 */
public final class MicroBatches {
    private MicroBatches() {}

    /**
     * Forward and backward for each of {@code steps} slices of the batch, listeners told once.
     *
     * @return the mean loss over the batch
     * @throws IllegalArgumentException if steps is below 1 or does not divide the batch; the message lists what does
     * @throws CancellationException if the thread was interrupted between two slices
     */
    public static float train(Trainer trainer, Batch batch, int steps) {
        check(batch.getData().head().getShape().get(0), steps);
        return slices(trainer, batch, steps);
    }

    /** The same for a number that need not divide the batch: slices that differ by one sample at most, each with its share. */
    static float slices(Trainer trainer, Batch batch, int steps) {
        long size = batch.getData().head().getShape().get(0);
        Block block = trainer.getModel().getBlock();
        List<NDArray> predictions = new ArrayList<>();
        double loss = 0;
        boolean between = !(trainer instanceof HeadroomTrainer gathering) || gathering.gathered() == 0;
        boolean complete = false;
        try (RunningStatistics before = RunningStatistics.of(block)) {
            try {
                for (int i = 0; i < steps; i++) {
                    if (Thread.currentThread().isInterrupted()) {
                        throw new CancellationException("interrupted after " + i + " of " + steps
                                + " micro-batches: the step was dropped, the weights are as before.");
                    }
                    long from = (size * i + steps - 1) / steps; // rounded up: a largest slice comes first
                    long to = (size * (i + 1) + steps - 1) / steps;
                    float share = (float) (to - from) / size;
                    loss += share * slice(trainer, batch, from, to, share, predictions);
                }
                tell(trainer, batch, predictions);
                complete = true;
            } finally {
                if (!complete) {
                    predictions.forEach(NDArray::close);
                    drop(trainer);
                    if (between) {
                        before.restore();
                    }
                }
            }
        }
        return (float) loss;
    }

    private static float slice(
            Trainer trainer, Batch batch, long from, long to, float share, List<NDArray> predictions) {
        try (NDScope scope = new NDScope();
                GradientCollector collector = Checkpointing.newGradientCollector(trainer)) {
            scope.suppressNotUsedWarning();
            NDList data = cut(batch.getData(), from, to);
            NDList labels = cut(batch.getLabels(), from, to);
            NDList output = trainer.forward(data, labels);
            NDArray loss = trainer.getLoss().evaluate(labels, output);
            collector.backward(loss.mul(share));
            NDArray kept = output.head().stopGradient();
            NDScope.unregister(kept);
            predictions.add(kept);
            return loss.getFloat();
        }
    }

    /** A trainer that gathers several batches drops them all and puts back the statistics of the first. */
    private static void drop(Trainer trainer) {
        if (trainer instanceof HeadroomTrainer gathering) {
            gathering.discard();
        } else {
            Autograd.zeroGradients(trainer.getModel().getBlock());
        }
    }

    private static NDList cut(NDList arrays, long from, long to) {
        return arrays.stream()
                .map(array -> array.get(new NDIndex(from + ":" + to)))
                .collect(Collectors.toCollection(NDList::new));
    }

    private static void tell(Trainer trainer, Batch batch, List<NDArray> predictions) {
        Device device = batch.getData().head().getDevice();
        NDArray whole = NDArrays.concat(new NDList(predictions));
        predictions.forEach(NDArray::close);
        Map<Device, NDList> labels = new ConcurrentHashMap<>(Map.of(device, batch.getLabels()));
        Map<Device, NDList> outputs = new ConcurrentHashMap<>(Map.of(device, new NDList(whole)));
        try {
            trainer.notifyListeners(
                    listener -> listener.onTrainingBatch(trainer, new BatchData(batch, labels, outputs)));
        } catch (RuntimeException | Error failed) {
            whole.close();
            throw failed;
        }
    }

    private static void check(long size, int steps) {
        if (steps < 1) {
            throw new IllegalArgumentException(
                    "accumulation steps = " + steps + ": use 1 (the whole batch at once) or more.");
        }
        if (size % steps != 0) {
            String fitting = IntStream.rangeClosed(1, (int) Math.min(size, 1024))
                    .filter(n -> size % n == 0)
                    .mapToObj(Integer::toString)
                    .collect(Collectors.joining(", "));
            throw new IllegalArgumentException("accumulation steps = " + steps + " do not divide the batch of " + size
                    + ": use one of " + fitting + ".");
        }
    }
}

package io.headroom.memory;

import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;
import java.util.concurrent.atomic.AtomicLong;

/** Counts batches and epochs for a monitor; whatever happens in here, training goes on. */
final class MonitorListener extends TrainingListenerAdapter {
    private final MemoryMonitor monitor;
    private final AtomicLong steps = new AtomicLong();
    private int epochs;

    MonitorListener(MemoryMonitor monitor) {
        this.monitor = monitor;
    }

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        try {
            monitor.step(steps.incrementAndGet());
        } catch (RuntimeException | LinkageError e) {
            monitor.stopAfter(e);
        }
    }

    @Override
    public void onEpoch(Trainer trainer) {
        try {
            monitor.epochEnded(++epochs);
        } catch (RuntimeException | LinkageError e) {
            monitor.stopAfter(e);
        }
    }
}

package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;
import ai.djl.util.Progress;

/** Samples drawn as they are asked for; each belongs to its batch; with a keeper, the data set keeps it for good. */
final class SampleData extends RandomAccessDataset {
    private final int samples;
    private final long width;
    private final NDManager keeper;

    SampleData(int samples, long width, int batch, int prefetch, NDManager keeper) {
        super(new Builder().setSampling(batch, true, true).optPrefetchNumber(Math.max(1, prefetch)));
        this.samples = samples;
        this.width = width;
        this.keeper = keeper;
    }

    @Override
    public Record get(NDManager manager, long index) {
        NDArray sample = manager.randomUniform(0, 1, new Shape(width));
        if (keeper != null) {
            sample.duplicate().attach(keeper); // DJL closes what get returns once it is stacked
        }
        return new Record(new NDList(sample), new NDList(manager.ones(new Shape(1))));
    }

    @Override
    protected long availableSize() {
        return samples;
    }

    @Override
    public void prepare(Progress progress) {}

    private static final class Builder extends BaseBuilder<Builder> {
        @Override
        protected Builder self() {
            return this;
        }
    }
}

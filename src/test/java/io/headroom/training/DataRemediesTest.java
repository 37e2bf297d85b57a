package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DataRemediesTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void aDataSetThatHandsOutReferencesIsFound() throws Exception {
        Samples samples = new Samples(manager, false);
        ReferenceCheck check = ReferenceCheck.of(samples, manager);
        assertThat(check.checked()).isEqualTo(4);
        assertThat(check.findings())
                .contains("record 0, data 0: still open after its batch was closed, the same array each time");
        assertThatThrownBy(check::throwIfAny)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("duplicate()");
        assertThat(samples.data.isReleased()).isFalse();
    }

    @Test
    void whatADataSetKeepsIsFoundAndStaysOpen() throws Exception {
        List<NDArray> kept = new ArrayList<>();
        RandomAccessDataset keeping = new Samples(manager, false) {
            @Override
            public Record get(NDManager batch, long index) {
                NDArray sample = manager.ones(new Shape(4));
                kept.add(sample);
                return new Record(new NDList(sample), new NDList());
            }
        };
        assertThat(ReferenceCheck.of(keeping, manager).findings())
                .contains("record 0, data 0: still open after its batch was closed");
        assertThat(kept).hasSize(8).noneMatch(NDArray::isReleased);
    }

    @Test
    void aDataSetThatCopiesPasses() throws Exception {
        assertThat(ReferenceCheck.of(new Samples(manager, true), manager).findings())
                .isEmpty();
        ArrayDataset arrays = Steps.dataset(Steps.random(manager, 8, 4), Steps.random(manager, 8, 4), 2);
        ReferenceCheck.of(arrays, manager).throwIfAny();
    }

    @Test
    void theCacheIsEmptiedEveryFewBatchesAndAtTheEndOfAnEpoch() throws Exception {
        CacheEmptying emptying = new CacheEmptying(3);
        try (Model model = Steps.model(Steps.perceptron(1, 4, 0));
                Trainer trainer = model.newTrainer(Steps.config().addTrainingListeners(emptying))) {
            trainer.initialize(new Shape(2, 4));
            EasyTrain.fit(trainer, 2, Steps.dataset(Steps.random(manager, 8, 4), Steps.random(manager, 8, 4), 2), null);
        }
        assertThat(emptying.emptied()).isEqualTo(2 + 2);
        assertThatThrownBy(() -> new CacheEmptying(0)).hasMessageContaining("batches = 0");
    }

    @Test
    void aHistoryKeepsNumbersNotArrays() {
        FloatHistory history = new FloatHistory();
        for (int i = 0; i < 1000; i++) {
            history.add(i * 0.5);
        }
        history.add(manager.create(new double[] {7}).toType(DataType.FLOAT64, false));
        assertThat(history.size()).isEqualTo(1001);
        assertThat(history.toArray()[999]).isEqualTo(499.5f);
        assertThat(history.toArray()[1000]).isEqualTo(7f);
        assertThat(history.bytes()).isEqualTo(1024 * 4);
        assertThatThrownBy(() -> history.add(manager.ones(new Shape(2)))).hasMessageContaining("add(loss.mean())");
    }

    @Property
    void bucketsStayWithinTheTokensAndHoldEverySampleOnce(@ForAll("lengths") int[] lengths) {
        List<List<Long>> batches = BucketSampler.of(lengths, 64).shuffle(1).batches();
        assertThat(batches).allSatisfy(batch -> assertThat(batch.size()
                        * batch.stream()
                                .mapToLong(i -> lengths[i.intValue()])
                                .max()
                                .orElse(0))
                .isLessThanOrEqualTo(64));
        assertThat(batches.stream().flatMap(List::stream))
                .doesNotHaveDuplicates()
                .hasSize(lengths.length);
    }

    @Provide
    net.jqwik.api.Arbitrary<int[]> lengths() {
        return net.jqwik.api.Arbitraries.integers()
                .between(1, 64)
                .array(int[].class)
                .ofMaxSize(40);
    }

    @Test
    void aSampleLongerThanTheBudgetIsNamed() {
        assertThatThrownBy(() -> BucketSampler.of(new int[] {3, 99}, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sample 1 has length 99");
    }

    /** Eight samples, handed out as they lie or as copies. */
    private static class Samples extends RandomAccessDataset {
        private final NDArray data;
        private final boolean copies;

        Samples(NDManager manager, boolean copies) {
            super(new ArrayDataset.Builder().setSampling(2, false));
            this.data = manager.ones(new Shape(4));
            this.copies = copies;
        }

        @Override
        public Record get(NDManager batch, long index) {
            NDArray sample = data;
            if (copies) {
                sample = data.duplicate();
                sample.attach(batch);
            }
            return new Record(new NDList(sample), new NDList());
        }

        @Override
        protected long availableSize() {
            return 8;
        }

        @Override
        public void prepare(ai.djl.util.Progress progress) {}
    }
}

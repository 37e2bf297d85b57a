package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Adam;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.Batchifier;
import ai.djl.util.Pair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Small models and single steps for the tests of this package. */
final class Steps {
    private Steps() {}

    static SequentialBlock perceptron(int layers, int width, float dropout) {
        SequentialBlock block = new SequentialBlock();
        for (int i = 0; i < layers; i++) {
            SequentialBlock layer = new SequentialBlock()
                    .add(Linear.builder().setUnits(width).build())
                    .add(LayerNorm.builder().build())
                    .add(Activation.geluBlock());
            if (dropout > 0) {
                layer.add(Dropout.builder().optRate(dropout).build());
            }
            block.add(new Layer(layer));
        }
        return block;
    }

    static SequentialBlock encoders(int layers, int width, float dropout) {
        SequentialBlock block = new SequentialBlock();
        for (int i = 0; i < layers; i++) {
            block.add(new TransformerEncoderBlock(width, 2, 2 * width, dropout, Activation::gelu));
        }
        return block;
    }

    static Model model(Block block) {
        Model model = Model.newInstance("test", "PyTorch");
        model.setBlock(block);
        return model;
    }

    static DefaultTrainingConfig config() {
        return config(Optimizer.adam().build());
    }

    static DefaultTrainingConfig config(Optimizer optimizer) {
        return new DefaultTrainingConfig(Loss.l2Loss()).optOptimizer(optimizer).optDevices(new ai.djl.Device[] {
            NDManager.newBaseManager("PyTorch").getDevice()
        });
    }

    static Adam adam(float rate) {
        return Optimizer.adam()
                .optLearningRateTracker(ai.djl.training.tracker.Tracker.fixed(rate))
                .build();
    }

    /** One forward and backward pass without an update. */
    static float backward(Trainer trainer, NDArray data, NDArray labels) {
        try (GradientCollector collector = trainer.newGradientCollector()) {
            return backward(trainer, collector, data, labels);
        }
    }

    static float backward(Trainer trainer, GradientCollector collector, NDArray data, NDArray labels) {
        NDList output = trainer.forward(new NDList(data));
        NDArray loss = trainer.getLoss().evaluate(new NDList(labels), output);
        collector.backward(loss);
        return loss.getFloat();
    }

    static List<float[]> gradients(Block block) {
        List<float[]> all = new ArrayList<>();
        for (Parameter parameter : Autograd.trainable(block)) {
            try (NDArray gradient = Autograd.gradient(parameter.getArray())) {
                all.add(gradient == null ? null : gradient.toFloatArray());
            }
        }
        return all;
    }

    static List<float[]> values(Block block) {
        List<float[]> all = new ArrayList<>();
        for (Pair<String, Parameter> parameter : block.getParameters()) {
            all.add(parameter.getValue().getArray().toFloatArray());
        }
        return all;
    }

    /** Equal bit for bit, with a short message where not. */
    static void assertSame(List<float[]> actual, List<float[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(Arrays.equals(actual.get(i), expected.get(i)))
                    .as("parameter %d: first value %s, expected %s", i, actual.get(i)[0], expected.get(i)[0])
                    .isTrue();
        }
    }

    /** The largest difference over the largest value. */
    static double relativeDifference(List<float[]> some, List<float[]> others) {
        double largest = 0;
        double difference = 0;
        for (int i = 0; i < some.size(); i++) {
            for (int j = 0; j < some.get(i).length; j++) {
                largest = Math.max(largest, Math.abs(some.get(i)[j]));
                difference = Math.max(difference, Math.abs(some.get(i)[j] - others.get(i)[j]));
            }
        }
        return difference / largest;
    }

    static Batch batch(NDManager manager, NDArray data, NDArray labels) {
        return new Batch(
                manager.newSubManager(),
                new NDList(data),
                new NDList(labels),
                (int) data.getShape().get(0),
                Batchifier.STACK,
                Batchifier.STACK,
                0,
                1);
    }

    static ArrayDataset dataset(NDArray data, NDArray labels, int batch) {
        return new ArrayDataset.Builder()
                .setData(data)
                .optLabels(labels)
                .setSampling(batch, false)
                .build();
    }

    static NDArray random(NDManager manager, long... shape) {
        return manager.randomNormal(new Shape(shape));
    }

    /** A layer that is not opened up by checkpointing. */
    static final class Layer extends SequentialBlock {
        Layer(SequentialBlock parts) {
            addAll(parts.getChildren().values());
        }
    }
}

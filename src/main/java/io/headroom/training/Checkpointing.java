package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Gradient checkpointing: keeps only the input of each segment of layers and computes the rest again in the backward
 * pass.
 *
 * <p>The gradients are those of the plain pass: the same operations run on the same values, each segment with the random
 * state of its first run (dropout is replayed), and batch norm's running statistics are updated once. On the CPU they are
 * equal bit for bit, but to 1e-6 relative where a segment ends in a transposed array (DJL's transformer blocks do), because
 * PyTorch then sums in another order. For {@code n} equal layers in {@code k} segments the activations shrink from {@code n} layers to about {@code
 * n/k} layers and {@code k} borders, for one more forward pass (Chen et al. 2016, arXiv 1604.06174; PyTorch's {@code
 * torch.utils.checkpoint.checkpoint_sequential}).
 *
 * <pre>{@code
 * model.setBlock(Checkpointing.of(model.getBlock(), 8));
 * Trainer trainer = HeadroomTrainer.of(model, config);      // its collector knows the segments
 * EasyTrain.fit(trainer, 5, dataset, null);
 * }</pre>
 *
 * <p>In a hand-written loop take the collector from {@link #newGradientCollector(Trainer)}. The returned block shares its
 * parameters with the block given, which stays valid: save that one. A block must not keep an {@code NDArray} that it
 * makes in its forward pass. One training thread, as DJL's trainer.
 */
public final class Checkpointing {
    private Checkpointing() {}

    /**
     * Splits a sequence of layers into segments of equal length (to one layer).
     *
     * <p>Sequences inside the sequence are opened up; a single layer counts as one.
     *
     * @throws IllegalArgumentException if there are fewer layers than segments, or less than one segment
     */
    public static Block of(Block block, int segments) {
        Objects.requireNonNull(block, "block is null: give the model's block, model.getBlock().");
        if (segments < 1) {
            throw new IllegalArgumentException("segments = " + segments
                    + ": checkpointing needs at least 1; to switch it off use the block itself.");
        }
        List<Block> layers = new ArrayList<>();
        collect(block, layers);
        if (segments > layers.size()) {
            throw new IllegalArgumentException("segments = " + segments + ", but "
                    + block.getClass().getSimpleName() + " has " + layers.size()
                    + (layers.size() == 1 ? " layer" : " layers")
                    + ": use from 1 to " + layers.size()
                    + (layers.size() == 1 ? ", or put its parts into a SequentialBlock." : "."));
        }
        List<Block> parts = new ArrayList<>();
        for (int i = 0; i < segments; i++) {
            int from = (int) ((long) i * layers.size() / segments);
            int to = (int) ((i + 1L) * layers.size() / segments);
            parts.add(to - from == 1 ? layers.get(from) : new SequentialBlock().addAll(layers.subList(from, to)));
        }
        return new CheckpointedBlock(List.copyOf(parts));
    }

    /** Makes one block one segment, for use among the layers of your own model. */
    public static Block segment(Block block) {
        return new CheckpointedBlock(
                List.of(Objects.requireNonNull(block, "block is null: give the layer to recompute.")));
    }

    /**
     * A collector for a hand-written loop: {@code backward} goes through the segments too. One that fails (out of memory, an
     * interrupted cell) leaves all gradients zero, those gathered before it too.
     *
     * @throws IllegalStateException if another collector of the engine is open
     */
    public static GradientCollector newGradientCollector(Trainer trainer) {
        if (trainer instanceof HeadroomTrainer) {
            return trainer.newGradientCollector();
        }
        Autograd.requirePyTorch(trainer.getManager().getEngine(), "gradient checkpointing");
        Block block = trainer.getModel().getBlock();
        return new ReplayingCollector(trainer.newGradientCollector(), () -> Autograd.zeroGradients(block));
    }

    static GradientCollector replaying(GradientCollector engine) {
        return new ReplayingCollector(engine, () -> {});
    }

    private static void collect(Block block, List<Block> layers) {
        if (block instanceof SequentialBlock sequence
                && sequence.getClass() == SequentialBlock.class
                && !sequence.isReturnIntermediate()) {
            sequence.getChildren().values().forEach(child -> collect(child, layers));
        } else if (block instanceof CheckpointedBlock checkpointed) {
            checkpointed.getChildren().values().forEach(child -> collect(child, layers));
        } else {
            layers.add(block);
        }
    }

    /** The engine's collector, with the segments after it. */
    private static final class ReplayingCollector implements GradientCollector {
        private final GradientCollector engine;
        private final Replay replay = Replay.open();

        private final Runnable afterFailure;

        private ReplayingCollector(GradientCollector engine, Runnable afterFailure) {
            this.engine = engine;
            this.afterFailure = afterFailure;
        }

        @Override
        public void backward(NDArray target) {
            try {
                replay.backward(engine, target);
            } catch (RuntimeException | Error failed) {
                afterFailure.run();
                throw failed;
            }
        }

        @Override
        public void zeroGradients() {
            engine.zeroGradients();
        }

        @Override
        public void close() {
            replay.close();
            engine.close();
        }
    }
}

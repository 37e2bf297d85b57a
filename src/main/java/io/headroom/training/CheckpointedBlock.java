package io.headroom.training;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Segments of layers, each recomputed in the backward pass. */
final class CheckpointedBlock extends AbstractBlock {
    private static final byte VERSION = 1;

    private final List<Block> segments;

    CheckpointedBlock(List<Block> segments) {
        super(VERSION);
        this.segments = new ArrayList<>(segments);
        for (int i = 0; i < segments.size(); i++) {
            addChildBlock("segment" + i, segments.get(i));
        }
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
        NDList current = inputs;
        for (int i = 0; i < segments.size(); i++) {
            Block segment = segments.get(i);
            if (!training || !Autograd.recording()) {
                if (training && Replay.isOpen()) {
                    // inside a segment that is checkpointed itself: the same draws as when it is replayed
                    Autograd.seed(Autograd.drawSeed(current.head().getManager()));
                }
                current = segment.forward(store, current, training, params);
                continue;
            }
            boolean internal = i < segments.size() - 1;
            UnaryOperator<NDList> body = leaves -> segment.forward(store, leaves, true, params);
            Replay replay = Replay.current();
            // The way back begins in the last segment: what it stores is needed at once.
            current = i > 0 && !internal && replay.freesAtOnce() && !hasParts(segment)
                    ? replay.record(current, body)
                    : replay.run(segment, store, current, internal, body);
        }
        return current;
    }

    /** Whether a block in it adds parts of its own, which need the arrays of their forward pass on the way back. */
    private static boolean hasParts(Block block) {
        return block instanceof CheckpointedBlock
                || block instanceof ChunkedAttentionBlock
                || block instanceof ChunkedEncoder
                || block.getChildren().values().stream().anyMatch(CheckpointedBlock::hasParts);
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
        Shape[] shapes = inputShapes;
        for (Block segment : segments) {
            segment.initialize(manager, dataType, shapes);
            shapes = segment.getOutputShapes(shapes);
        }
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        Shape[] shapes = inputShapes;
        for (Block segment : segments) {
            shapes = segment.getOutputShapes(shapes);
        }
        return shapes;
    }
}

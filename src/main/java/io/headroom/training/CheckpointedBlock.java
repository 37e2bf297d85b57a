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
            current = Replay.current()
                    .run(segment, store, current, internal, leaves -> segment.forward(store, leaves, true, params));
        }
        return current;
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

package io.headroom.training;

import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv1d;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a step of one block of each kind and prints its name and its peak; for a JVM of its own with fixed malloc thresholds. */
public final class BlockPeaks {
    private BlockPeaks() {}

    public static void main(String[] wanted) {
        workloads().forEach((name, step) -> {
            if (wanted.length == 0 || List.of(wanted).contains(name)) {
                StepRunner.run(step.batch(2));
                System.out.println("peak\t" + name + "\t" + FrozenPeaks.median(step));
            }
        });
    }

    /** A step of each kind of block, tens of MiB large. */
    public static Map<String, Workload> workloads() {
        Map<String, Workload> all = new LinkedHashMap<>();
        all.put("linear", training(linear(512).add(linear(512)), new Shape(8192, 256)));
        all.put(
                "activations",
                training(
                        linear(512)
                                .add(Activation.reluBlock())
                                .add(linear(512))
                                .add(Activation.geluBlock())
                                .add(linear(512))
                                .add(Activation.leakyReluBlock(0.1f))
                                .add(Activation.tanhBlock())
                                .add(linear(10)),
                        new Shape(4096, 256)));
        all.put(
                "dropout and layer norm",
                training(
                        linear(512)
                                .add(Dropout.builder().optRate(0.2f).build())
                                .add(LayerNorm.builder().build())
                                .add(linear(10)),
                        new Shape(8192, 256)));
        all.put(
                "image",
                training(
                        new SequentialBlock()
                                .add(conv(32, 3, 2))
                                .add(BatchNorm.builder().build())
                                .add(Activation.reluBlock())
                                .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)))
                                .add(conv(64, 3, 1))
                                .add(Pool.avgPool2dBlock(new Shape(2, 2), new Shape(2, 2)))
                                .add(Blocks.batchFlattenBlock())
                                .add(linear(10)),
                        new Shape(64, 3, 96, 96)));
        all.put(
                "global pool",
                training(
                        new SequentialBlock()
                                .add(conv(64, 3, 1))
                                .add(Pool.globalAvgPool2dBlock())
                                .add(linear(10)),
                        new Shape(32, 3, 64, 64)));
        all.put(
                "series",
                training(
                        new SequentialBlock()
                                .add(Conv1d.builder()
                                        .setKernelShape(new Shape(5))
                                        .setFilters(64)
                                        .optPadding(new Shape(2))
                                        .build())
                                .add(Activation.reluBlock())
                                .add(Pool.maxPool1dBlock(new Shape(4), new Shape(4)))
                                .add(Blocks.batchFlattenBlock())
                                .add(linear(1)),
                        new Shape(256, 8, 512)));
        all.put(
                "lstm",
                training(
                        new SequentialBlock()
                                .add(LSTM.builder()
                                        .setStateSize(128)
                                        .setNumLayers(2)
                                        .optReturnState(false)
                                        .build())
                                .add(new LambdaBlock(
                                        list -> new NDList(list.head().get(":, -1")), "last"))
                                .add(linear(1)),
                        new Shape(128, 100, 16)));
        all.put(
                "encoder",
                training(
                        linear(128)
                                .add(new TransformerEncoderBlock(128, 8, 512, 0.1f, Activation::gelu))
                                .add(new TransformerEncoderBlock(128, 4, 256, 0, Activation::relu))
                                .add(linear(1)),
                        new Shape(48, 64, 7)));
        all.put(
                "residual",
                training(
                        linear(512)
                                .add(new ParallelBlock(
                                        lists -> new NDList(lists.get(0)
                                                .head()
                                                .add(lists.get(1).head())),
                                        List.of(
                                                linear(512)
                                                        .add(Activation.reluBlock())
                                                        .add(linear(512)),
                                                Blocks.identityBlock())))
                                .add(linear(10)),
                        new Shape(4096, 256)));
        all.put(
                "branches",
                training(
                        new SequentialBlock()
                                .add(new ParallelBlock(
                                        lists -> new NDList(NDArrays.concat(
                                                new NDList(
                                                        lists.get(0).head(),
                                                        lists.get(1).head()),
                                                -1)),
                                        List.of(linear(512), linear(256))))
                                .add(linear(10)),
                        new Shape(8192, 256)));
        DjlBlocks.addTo(all);
        shared(all);
        return all;
    }

    private static void shared(Map<String, Workload> all) {
        Block shared = Linear.builder().setUnits(2048).build();
        all.put(
                "shared",
                training(
                        new SequentialBlock()
                                .add(shared)
                                .add(shared)
                                .add(shared)
                                .add(Linear.builder().setUnits(1).build()),
                        new Shape(4, 2048)));
        Block tied = Linear.builder().setUnits(512).build();
        all.put(
                "shared, wide batch",
                training(
                        linear(512)
                                .add(tied)
                                .add(Activation.reluBlock())
                                .add(tied)
                                .add(linear(10)),
                        new Shape(8192, 256)));
    }

    private static Workload training(Block block, Shape input) {
        return Workload.of(block, input, OptimizerKind.ADAM);
    }

    private static SequentialBlock linear(long units) {
        return new SequentialBlock().add(Linear.builder().setUnits(units).build());
    }

    private static Conv2d conv(int filters, int kernel, int stride) {
        return Conv2d.builder()
                .setKernelShape(new Shape(kernel, kernel))
                .setFilters(filters)
                .optStride(new Shape(stride, stride))
                .optPadding(new Shape(kernel / 2, kernel / 2))
                .build();
    }
}

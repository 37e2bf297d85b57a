package io.headroom.remedy;

import io.headroom.budget.Device;
import io.headroom.budget.Estimate;
import io.headroom.budget.Solver;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.Reading;
import io.headroom.training.InPlace;
import io.headroom.units.Bytes;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** What the remedies of the process are predicted to give back. */
final class Predictions {
    private static final Pattern NUMBER = Pattern.compile("\\d+");
    private static final String NO_ARRAYS =
            "the reading counted no arrays; Reading.now(\"stage\") does, once an engine runs";

    private Predictions() {}

    static Prediction heldByManagers(Workload work, Reading reading) {
        return reading.arrays()
                .map(arrays -> Prediction.of(arrays.bytes(), "held by " + arrays.count() + " open arrays"))
                .orElse(Prediction.notTold(NO_ARRAYS));
    }

    /** A data set that hands out references keeps what each batch brought. */
    static Prediction batchKept(Workload work, Reading reading) {
        long valueBytes = work.takesTokens() ? Long.BYTES : Float.BYTES;
        return Prediction.of(
                Bytes.times(work.inputShape().size(), valueBytes), "for each batch whose samples are kept");
    }

    static Prediction halfOfFloat64(Workload work, Reading reading) {
        if (reading.arrays().isEmpty()) {
            return Prediction.notTold(NO_ARRAYS);
        }
        long bytes = 0;
        for (LiveArrays.Manager manager : reading.arrays().get().managers()) {
            for (Map.Entry<String, Integer> shape : manager.shapes().entrySet()) {
                if (shape.getKey().endsWith("float64")) {
                    bytes = Bytes.plus(bytes, Bytes.times(shape.getValue(), float64Bytes(shape.getKey())));
                }
            }
        }
        return Prediction.of(bytes / 2, "half of the open float64 arrays");
    }

    /** Of {@code "(40, 2) float64"}. */
    private static long float64Bytes(String shape) {
        String sizes = shape.substring(0, shape.lastIndexOf(' '));
        return NUMBER.matcher(sizes)
                .results()
                .map(MatchResult::group)
                .mapToLong(Long::parseLong)
                .reduce(Double.BYTES, Bytes::times);
    }

    static Prediction keptByMalloc(Workload work, Reading reading) {
        return kind(work) == Device.Kind.CPU
                ? Prediction.of(
                        reading.nativeHeap().kept(),
                        "free in malloc's arenas",
                        "the C library does not tell what it keeps")
                : Prediction.notTold("the driver tells what PyTorch reserved, not how much of it is free");
    }

    static Prediction frozen(Workload work, Reading reading) {
        if (work.isOwnBlock()) {
            return Prediction.notTold("it depends on the layers; freeze them and estimate the block again");
        }
        if (!work.has(Option.FROZEN_LAYERS)) {
            return Prediction.notTold(
                    "frozen layers are estimated of transformers, MLPs and CNNs, and of blocks frozen by hand");
        }
        if (work.has(Option.LORA_RANK) && work.loraRank() > 0) {
            return Prediction.notTold("all but the adapters is frozen already, lora_rank = " + work.loraRank());
        }
        boolean tied = work.has(Option.TIED) && work.flag(Option.TIED);
        long most = tied ? work.layers() - 1 : work.layers();
        if (work.frozenLayers() >= most) {
            return Prediction.notTold("no more can be frozen, frozen_layers = " + work.frozenLayers());
        }
        long bytes = Estimate.of(work).deviceBytes()
                - Estimate.of(work.frozenLayers(most)).deviceBytes();
        return Prediction.of(
                Math.max(0, bytes),
                "gradients, optimizer state and backward pass of all but the "
                        + (tied ? "last layer; the head is tied to the frozen embedding" : "head"));
    }

    static Prediction largestThatFits(Workload work, Reading reading) {
        long inPlace = InPlace.bytes(work);
        long headroom = reading.headroom().orElse(Long.MAX_VALUE);
        long room = headroom > Long.MAX_VALUE - inPlace ? headroom : headroom + inPlace;
        OptionalLong batch = Solver.largestBatch(work, room);
        if (batch.isEmpty()) {
            return Prediction.notTold("not even the smallest batch is predicted to fit " + Bytes.format(room));
        }
        long less = Math.min(work.batch(), batch.getAsLong());
        long bytes =
                Estimate.of(work).deviceBytes() - Estimate.of(work.batch(less)).deviceBytes();
        return Prediction.of(bytes, "batch " + less + " fits the head-room");
    }

    static Prediction wholeDevice(Workload work, Reading reading) {
        return Prediction.of(Estimate.of(work).deviceBytes(), "all of the step's memory on the device");
    }

    /** Holes are at most what is reserved beyond what is allocated where both are highest. */
    static Prediction holes(Workload work, Reading reading) {
        Estimate estimate = Estimate.of(work);
        return Prediction.of(
                Math.max(0, estimate.peakReservedBytes() - estimate.peakAllocatedBytes()),
                "at most: reserved beyond what is allocated, each at its highest");
    }

    static Device.Kind kind(Workload work) {
        return Device.named(work.device()).kind();
    }
}

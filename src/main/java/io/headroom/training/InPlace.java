package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.Trainer;
import io.headroom.memory.LiveArrays;
import io.headroom.workload.Workload;
import java.lang.reflect.Field;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What of a step of the user's own block has its memory in this process already: its weights, their gradients and the
 * optimizer's state.
 *
 * <p>An estimate counts these as part of the step, and so does what the process uses: the room for the step is the head-room and
 * these. Weights and gradients are those of the block's initialized parameters on the CPU; the state is that of a trainer
 * whose model has this block and whose optimizer is the workload's: SGD, momentum, Adam or AdamW. 0 for a workload of sizes, a block that is not
 * initialized, and one on another device; in inference the weights alone.
 *
 * <pre>{@code
 * Workload step = Workload.of(net, new Shape(20_000, 784), adam());
 * long room = Reading.now().headroom().orElseThrow() + InPlace.bytes(step, List.of(trainer));
 * }</pre>
 *
 * <p>Reads DJL's fields; no array's content. Not while another thread trains the block.
 */
public final class InPlace {
    private InPlace() {}

    /** Bytes of the weights and gradients alone: the trainer is not known. */
    public static long bytes(Workload workload) {
        return bytes(workload, List.of());
    }

    /** Bytes of the weights and gradients, and of the state of the largest optimizer among these trainers of the block. */
    public static long bytes(Workload workload, Collection<Trainer> trainers) {
        if (!workload.isOwnBlock() || !workload.device().equals("cpu")) {
            return 0;
        }
        Block block = workload.block();
        Set<Parameter> parameters = new HashSet<>(block.getParameters().values());
        long bytes = 0;
        Set<String> ids = new HashSet<>();
        for (Parameter parameter : parameters) {
            if (parameter.isInitialized() && here(parameter.getArray())) {
                ids.add(parameter.getId());
                bytes += size(parameter.getArray()) + (workload.isInference() ? 0 : gradient(parameter));
            }
        }
        if (workload.isInference()) {
            return bytes;
        }
        return bytes
                + trainers.stream()
                        .filter(trainer -> trainer.getModel().getBlock() == block)
                        .flatMap(trainer -> Fields.optimizer(trainer).stream())
                        .filter(optimizer -> CellTraining.kind(optimizer)
                                .filter(kind -> kind == workload.optimizer())
                                .isPresent())
                        .mapToLong(optimizer -> state(optimizer, ids))
                        .max()
                        .orElse(0);
    }

    private static long gradient(Parameter parameter) {
        NDArray weight = parameter.getArray();
        if (!parameter.requiresGradient() || !weight.hasGradient()) {
            return 0;
        }
        try (NDArray gradient = Autograd.gradient(weight)) {
            return gradient == null ? 0 : size(gradient);
        }
    }

    /** DJL's optimizers keep a map of arrays for each kind of state, by the parameter's id and the device. */
    private static long state(Object optimizer, Set<String> ids) {
        long bytes = 0;
        for (Class<?> type = optimizer.getClass(); type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (Map.class.isAssignableFrom(field.getType())
                        && Fields.value(field, optimizer).orElse(null) instanceof Map<?, ?> state) {
                    bytes += ids.stream().mapToLong(id -> arrays(state.get(id))).sum();
                }
            }
        }
        return bytes;
    }

    private static long arrays(Object byDevice) {
        return byDevice instanceof Map<?, ?> map
                ? map.values().stream()
                        .filter(NDArray.class::isInstance)
                        .map(NDArray.class::cast)
                        .filter(InPlace::here)
                        .mapToLong(InPlace::size)
                        .sum()
                : 0;
    }

    private static boolean here(NDArray array) {
        return LiveArrays.isOpen(array) && !array.getDevice().isGpu();
    }

    private static long size(NDArray array) {
        return array.size() * array.getDataType().getNumOfBytes();
    }
}

package io.headroom.widget;

import ai.djl.ndarray.types.Shape;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A workload as the cell that makes it. */
final class WorkloadCode {
    private static final Map<Option, String> METHODS = Map.ofEntries(
            Map.entry(Option.BATCH, "batch"),
            Map.entry(Option.NODES, "nodes"),
            Map.entry(Option.EDGES, "edges"),
            Map.entry(Option.SEQ, "seq"),
            Map.entry(Option.HEADS, "heads"),
            Map.entry(Option.KV_HEADS, "kvHeads"),
            Map.entry(Option.D_MODEL, "dModel"),
            Map.entry(Option.LAYERS, "layers"),
            Map.entry(Option.FF, "ff"),
            Map.entry(Option.VOCAB, "vocab"),
            Map.entry(Option.FEATURES, "features"),
            Map.entry(Option.OUTPUTS, "outputs"),
            Map.entry(Option.IMAGE, "image"),
            Map.entry(Option.DROPOUT, "dropout"),
            Map.entry(Option.ATTENTION, "attention"),
            Map.entry(Option.PRECISION, "precision"),
            Map.entry(Option.CHECKPOINTING, "checkpointing"),
            Map.entry(Option.ACCUMULATION, "accumulation"),
            Map.entry(Option.LORA_RANK, "loraRank"),
            Map.entry(Option.FROZEN_LAYERS, "frozenLayers"),
            Map.entry(Option.ZERO_GRAD, "zeroGrad"),
            Map.entry(Option.DEVICE, "device"));
    private static final Set<OptimizerKind> CELLS =
            Set.of(OptimizerKind.SGD, OptimizerKind.MOMENTUM, OptimizerKind.ADAM, OptimizerKind.ADAMW);

    private WorkloadCode() {}

    static String of(Workload workload) {
        StringBuilder code = new StringBuilder("var step = ").append(model(workload));
        workload.toMap().keySet().forEach(key -> {
            Option option = Option.ofKey(key).orElseThrow();
            boolean inShape = (option == Option.BATCH || option == Option.SEQ) && workload.isOwnBlock();
            if (option != Option.OPTIMIZER && option != Option.INFERENCE && !inShape) {
                String method = METHODS.get(option);
                String value = literal(workload.get(option));
                code.append(method == null ? ".with(Option." + option.name() + ", " : "." + method + "(")
                        .append(value)
                        .append(')');
            }
        });
        return code.append(ending(workload)).toString();
    }

    private static String model(Workload workload) {
        if (workload.isOwnBlock()) {
            List<Shape> inputs = workload.inputShapes(workload.batch());
            return Set.copyOf(inputs).size() == 1
                    ? "Workload.of(block, new Shape" + inputs.get(0) + ", " + optimizer(workload) + ")"
                    : inputs.stream()
                            .map(shape -> ", new Shape" + shape)
                            .collect(Collectors.joining("", "Workload.of(block, " + optimizer(workload), ")"));
        }
        return workload.architecture().name().toLowerCase(Locale.ROOT) + "()";
    }

    private static String ending(Workload workload) {
        if (workload.isInference()) {
            return ".inference()";
        }
        return workload.isOwnBlock() ? "" : ".training(" + optimizer(workload) + ")";
    }

    private static String optimizer(Workload workload) {
        OptimizerKind kind = workload.optimizer();
        return CELLS.contains(kind) ? kind.name().toLowerCase(Locale.ROOT) + "()" : "OptimizerKind." + kind.name();
    }

    private static String literal(Object value) {
        if (value instanceof Enum<?> choice) {
            return choice.getDeclaringClass().getSimpleName() + "." + choice.name();
        }
        if (value instanceof String text) {
            return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
        }
        return value instanceof Long number && number > Integer.MAX_VALUE ? number + "L" : String.valueOf(value);
    }
}

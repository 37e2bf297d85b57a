package io.headroom.workload;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/** Reads a workload from the keys of a spec file. */
final class Spec {
    private static final String MODEL = "model";

    private Spec() {}

    static Workload read(Map<String, ?> spec) {
        Workload step = model(spec.get(MODEL));
        for (Map.Entry<String, ?> entry : spec.entrySet()) {
            if (!entry.getKey().equals(MODEL)) {
                Option option = Option.ofKey(entry.getKey()).orElseThrow(() -> unknown(entry.getKey()));
                step = step.with(option, entry.getValue());
            }
        }
        if (step.get(Option.SHARDING) != Sharding.NONE && !spec.containsKey(Option.DEVICES.key())) {
            throw new IllegalArgumentException("sharding = " + Option.plain(step.get(Option.SHARDING))
                    + " without devices: say how many share the work, such as devices = 8, or leave sharding out.");
        }
        return step.validate();
    }

    private static Workload model(Object name) {
        if (name == null) {
            return Workload.transformer();
        }
        return switch (name.toString()) {
            case "transformer" -> Workload.transformer();
            case "mlp" -> Workload.mlp();
            case "cnn" -> Workload.cnn();
            case "lstm" -> Workload.lstm();
            case "gat" -> Workload.gat();
            default ->
                throw new IllegalArgumentException(
                        MODEL + " = \"" + name + "\": use \"transformer\", \"mlp\", \"cnn\", \"lstm\" or \"gat\".");
        };
    }

    private static IllegalArgumentException unknown(String key) {
        return new IllegalArgumentException("unknown key \"" + key + "\". The keys are: " + MODEL + ", "
                + Arrays.stream(Option.values()).map(Option::key).collect(Collectors.joining(", "))
                + ".");
    }
}

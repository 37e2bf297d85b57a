package io.headroom.budget.cuda;

import io.headroom.units.Bytes;
import io.headroom.workload.preset.LoraAdapters;
import io.headroom.workload.preset.Weight;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A model's weights on the device, by name; with LoRA its adapters after them, which alone are trained then. */
final class Weights {
    private final Map<String, Value> byName = new LinkedHashMap<>();
    private final List<Value> trained = new ArrayList<>();

    Weights(Tape tape, CudaStep step) {
        boolean frozen = step.loraRank() > 0;
        int elementBytes = step.precision().weightBytes();
        for (Weight weight : step.model().weights()) {
            int element = weight.trained() ? elementBytes : weight.elementBytes();
            add(tape, weight, element, weight.trained() && !frozen);
        }
        if (frozen) {
            for (Weight weight : LoraAdapters.of(step.model().language(), step.loraRank())) {
                add(tape, weight, weight.elementBytes(), true);
            }
        }
    }

    private void add(Tape tape, Weight weight, int element, boolean learns) {
        Memory memory = tape.permanent(Bytes.times(weight.count(), element), "weight");
        long[] shape = weight.shape().isEmpty()
                ? new long[] {1}
                : weight.shape().stream().mapToLong(Long::longValue).toArray();
        Value value = new Value(memory, shape, element, null, 0, false, learns ? new Value.Leaf(weight.name()) : null);
        byName.put(weight.name(), value);
        if (learns) {
            trained.add(value);
        }
    }

    Value get(String name) {
        return byName.get(name);
    }

    List<Value> trained() {
        return trained;
    }
}

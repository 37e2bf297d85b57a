package io.headroom.budget.cuda;

import io.headroom.units.Bytes;
import io.headroom.workload.preset.Weight;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A model's weights on the device, by name. */
final class Weights {
    private final Map<String, Value> byName = new LinkedHashMap<>();
    private final List<Value> trained = new ArrayList<>();

    Weights(Tape tape, List<Weight> weights, int elementBytes) {
        for (Weight weight : weights) {
            int element = weight.trained() ? elementBytes : weight.elementBytes();
            Memory memory = tape.permanent(Bytes.times(weight.count(), element), "weight");
            long[] shape = weight.shape().isEmpty()
                    ? new long[] {1}
                    : weight.shape().stream().mapToLong(Long::longValue).toArray();
            Value value = new Value(
                    memory, shape, element, null, 0, false, weight.trained() ? new Value.Leaf(weight.name()) : null);
            byName.put(weight.name(), value);
            if (weight.trained()) {
                trained.add(value);
            }
        }
    }

    Value get(String name) {
        return byName.get(name);
    }

    List<Value> trained() {
        return trained;
    }
}

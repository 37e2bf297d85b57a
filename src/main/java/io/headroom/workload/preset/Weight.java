package io.headroom.workload.preset;

import io.headroom.units.Bytes;
import java.util.List;

/**
 * A tensor that a model keeps for good: a parameter, or a buffer that is moved with it but not trained.
 *
 * @param name as PyTorch names it, {@code transformer.h.0.ln_1.weight}
 * @param shape dimensions; empty for a scalar
 * @param trained false for a buffer
 * @param elementBytes bytes of one value of a buffer; parameters are as wide as the precision says
 */
public record Weight(String name, List<Long> shape, boolean trained, int elementBytes) {
    /** How many values it holds. */
    public long count() {
        return shape.isEmpty()
                ? 1
                : Bytes.times(shape.stream().mapToLong(Long::longValue).toArray());
    }
}

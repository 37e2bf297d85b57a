package io.headroom.budget;

import io.headroom.units.Bytes;
import io.headroom.workload.step.Kind;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Which layers and operators hold the bytes that live at the peak.
 *
 * <p>Each list is another cut of the same bytes: both sum to {@link Estimate#peakAllocatedBytes()} and, kind by kind, to
 * {@link Estimate#atPeak()}.
 *
 * <pre>{@code
 * Breakdown at = Estimate.of(step).breakdown();
 * at.byLayer().get(0).name();                        // "layer 2"
 * at.byOperator().get(0).bytes(Kind.ACTIVATIONS);    // of "attention · matmul", in all layers
 * }</pre>
 *
 * <p>Immutable.
 *
 * @param byLayer the layers of the model, and what belongs to none: {@code "batch"}, {@code "loss"}, {@code "optimizer step"};
 *     the largest first
 * @param byOperator what an operator made, in all layers together; weights, gradients and optimizer state are a row each; the
 *     largest first
 */
public record Breakdown(List<Part> byLayer, List<Part> byOperator) {
    /**
     * A layer's or an operator's share.
     *
     * @param byKind its bytes of each kind that it has
     */
    public record Part(String name, Map<Kind, Long> byKind) {
        public Part {
            byKind = byKind.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<>(byKind));
        }

        /** All of its bytes. */
        public long bytes() {
            return Bytes.plus(
                    byKind.values().stream().mapToLong(Long::longValue).toArray());
        }

        /** Its bytes of one kind. */
        public long bytes(Kind kind) {
            return byKind.getOrDefault(kind, 0L);
        }
    }

    public Breakdown {
        byLayer = List.copyOf(byLayer);
        byOperator = List.copyOf(byOperator);
    }
}

package io.headroom.budget;

import io.headroom.workload.step.Kind;
import io.headroom.workload.step.Phase;
import io.headroom.workload.step.StepListener;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Keeps what is alive by name, and sorts it when a sum known before is reached. */
final class BreakdownListener implements StepListener {
    private record Block(String layer, String operator, Kind kind, long bytes) {}

    private final Map<Long, Block> live = new LinkedHashMap<>();
    private final long peak;
    private String layer = "";
    private long sum;
    private Breakdown found = new Breakdown(List.of(), List.of());
    private boolean reached;

    BreakdownListener(long peak) {
        this.peak = peak;
    }

    @Override
    public void entered(String next) {
        layer = next;
    }

    @Override
    public void allocated(long id, long bytes, Kind kind, Phase phase, String operator) {
        if (reached || bytes == 0) {
            return;
        }
        live.put(id, new Block(layer, operator, kind, bytes));
        sum += bytes;
        if (sum == peak) {
            reached = true;
            found = sorted();
        }
    }

    @Override
    public void freed(long id, long bytes, Kind kind, Phase phase, String operator) {
        if (!reached && live.remove(id) != null) {
            sum -= bytes;
        }
    }

    @Override
    public boolean wantsRepeats() {
        return false;
    }

    Breakdown breakdown() {
        return found;
    }

    private Breakdown sorted() {
        Map<String, Map<Kind, Long>> layers = new LinkedHashMap<>();
        Map<String, Map<Kind, Long>> operators = new LinkedHashMap<>();
        for (Block block : live.values()) {
            add(layers, block.layer, block);
            add(operators, operator(block), block);
        }
        return new Breakdown(parts(layers), parts(operators));
    }

    private static void add(Map<String, Map<Kind, Long>> to, String name, Block block) {
        to.computeIfAbsent(name, key -> new EnumMap<>(Kind.class)).merge(block.kind, block.bytes, Long::sum);
    }

    /** The same operator of another layer has the same name. */
    private static String operator(Block block) {
        return switch (block.kind) {
            case WEIGHTS -> "weights";
            case GRADIENTS -> "gradients of weights";
            case OPTIMIZER -> "optimizer state";
            default -> {
                String section = block.layer + " · ";
                yield block.operator.startsWith(section) ? block.operator.substring(section.length()) : block.operator;
            }
        };
    }

    private static List<Breakdown.Part> parts(Map<String, Map<Kind, Long>> sums) {
        return sums.entrySet().stream()
                .map(sum -> new Breakdown.Part(sum.getKey(), sum.getValue()))
                .sorted(Comparator.comparingLong((Breakdown.Part part) -> part.bytes())
                        .reversed())
                .toList();
    }
}

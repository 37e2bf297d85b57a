package io.headroom.remedy;

import io.headroom.remedy.Cost.Accuracy;
import io.headroom.remedy.Cost.Risk;
import io.headroom.workload.Attention;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.LongStream;

/**
 * One remedy at all its settings for a workload, the mildest first.
 *
 * @param rungs never empty
 */
record Ladder(List<Remedy> rungs) {
    private static final long SHORTEST = 8;

    /** The dearer remedy is the larger: first what happens to the result, then the risk, then the time; unknown time last. */
    static final Comparator<Ladder> DEARER = Comparator.comparing(
                    (Ladder ladder) -> ladder.cost().accuracy())
            .thenComparing(ladder -> ladder.cost().risk())
            .thenComparing(ladder -> ladder.cost().timeFactor()); // NaN is above all numbers

    Ladder {
        rungs = List.copyOf(rungs);
    }

    Cost cost() {
        return rungs.get(0).cost();
    }

    boolean within(Accuracy accuracy, Risk risk) {
        return cost().accuracy().compareTo(accuracy) < 0
                || cost().accuracy() == accuracy && cost().risk().compareTo(risk) <= 0;
    }

    int last() {
        return rungs.size() - 1;
    }

    /** Those that apply to the workload, in the order in which they are applied: the batch first, how it is split last. */
    static List<Ladder> of(Workload workload) {
        List<Ladder> ladders = new ArrayList<>();
        add(ladders, workload, WorkloadRemedies::batch, halves(workload.batch(), 1));
        if (workload.architecture().has(Option.NODES)) {
            add(ladders, workload, WorkloadRemedies::nodes, halves(workload.nodes(), 1));
        }
        if (workload.has(Option.SEQ)) {
            add(ladders, workload, WorkloadRemedies::sequence, halves(workload.seq(), SHORTEST));
        }
        add(ladders, workload, width -> WorkloadRemedies.width(width), narrower(workload));
        add(ladders, workload, prefetch -> WorkloadRemedies.loader(prefetch), fewer(workload.batchesAhead()));
        add(ladders, workload, rank -> WorkloadRemedies.lora((int) rank), LongStream.of(8));
        add(ladders, workload, any -> WorkloadRemedies.halfPrecision(), LongStream.of(1));
        if (workload.architecture().has(Option.ATTENTION) && workload.attention() == Attention.EAGER) {
            add(ladders, workload, WorkloadRemedies::chunkedAttention, LongStream.of(workload.number(Option.CHUNKS)));
        }
        add(ladders, workload, WorkloadRemedies::checkpointing, LongStream.of(workload.layers()));
        add(ladders, workload, WorkloadRemedies::accumulation, divisors(workload.batch()));
        return ladders;
    }

    private static void add(List<Ladder> ladders, Workload workload, LongFunction<Remedy> remedy, LongStream settings) {
        List<Remedy> rungs = settings.mapToObj(remedy)
                .filter(rung -> rung.appliesTo(workload))
                .toList();
        if (!rungs.isEmpty()) {
            ladders.add(new Ladder(rungs));
        }
    }

    private static LongStream halves(long from, long least) {
        return LongStream.iterate(from / 2, half -> half >= least, half -> half / 2);
    }

    private static LongStream fewer(long prefetch) {
        return LongStream.iterate(prefetch / 2, half -> half >= 0, half -> half == 0 ? -1 : half / 2)
                .limit(prefetch == 0 ? 0 : Long.MAX_VALUE);
    }

    private static LongStream narrower(Workload workload) {
        long unit = workload.architecture().has(Option.HEADS) ? workload.heads() : 1;
        return LongStream.of(workload.dModel() / 2, workload.dModel() / 4)
                .filter(width -> width >= unit && width % unit == 0);
    }

    private static LongStream divisors(long batch) {
        return LongStream.iterate(2, steps -> steps <= batch && steps > 0, steps -> steps * 2)
                .map(steps -> nextDivisor(batch, steps))
                .distinct();
    }

    private static long nextDivisor(long batch, long least) {
        for (long steps = least; steps * steps <= batch || steps < least * 2; steps++) {
            if (steps >= batch || batch % steps == 0) {
                return Math.min(steps, batch);
            }
        }
        return batch;
    }
}

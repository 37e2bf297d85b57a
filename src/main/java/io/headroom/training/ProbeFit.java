package io.headroom.training;

import io.headroom.training.Probe.Step;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * {@code bytes = fixed + sequences · (linear·seq + square·seq²)} through three measured steps, of which two share a sequence;
 * {@code fixed + sequences · slope} through two where the sequence is always the same.
 *
 * <p>Smaller steps before these only lead up to them: their peaks may be those of other operators than a large step's. Neither
 * coefficient is below 0: then the other alone goes through the longer sequence.
 */
final class ProbeFit {
    /** How far a peak repeats where freed memory goes back at once, and with malloc as it comes. */
    private static final double STEADY = 0.002;

    private static final double AS_IT_COMES = 0.15;
    private static final double LEAST_ERROR = 256 * Bytes.KIB;

    private final List<Step> used;
    private final double[] peaks;
    private final double repeats;
    private final double fixed;
    private final double slope;
    private final double linear;
    private final double square;

    private ProbeFit(List<Step> used, double[] peaks, double repeats) {
        this.repeats = repeats;
        this.used = used;
        this.peaks = peaks;
        double span = used.get(1).sequences() - used.get(0).sequences();
        slope = (peaks[1] - peaks[0]) / span;
        fixed = peaks[0] - slope * used.get(0).sequences();
        double full = used.get(0).seq();
        if (used.size() < 3) {
            linear = full == 0 ? 0 : slope / full;
            square = 0;
            return;
        }
        double part = used.get(2).seq();
        double partSlope = (peaks[2] - fixed) / used.get(2).sequences();
        double curved = (slope / full - partSlope / part) / (full - part);
        square = Math.max(0, Math.min(curved, slope / full / full));
        linear = slope / full - square * full;
    }

    static ProbeFit of(List<Step> steps, boolean steady, ToLongFunction<Step> peak) {
        Step last = steps.get(steps.size() - 1);
        int other = last.seq() != steps.get(steps.size() - 2).seq() ? 1 : 0;
        List<Step> used = steps.subList(steps.size() - 2 - other, steps.size());
        double[] peaks = used.stream().mapToDouble(peak::applyAsLong).toArray();
        return new ProbeFit(used, peaks, steady ? STEADY : AS_IT_COMES);
    }

    /** Whether other sequences than the measured one may be asked for. */
    boolean knowsSequences() {
        return used.size() > 2;
    }

    double bytes(double sequences, double seq) {
        return fixed + sequences * (knowsSequences() ? linear * seq + square * seq * seq : slope);
    }

    /**
     * What a bound starts from. A longer sequence may peak in another operator than those measured, on a steeper curve, at most one
     * that is all square: it counts halfway there, and all the way where the shorter step's peak is not to be relied on.
     */
    double reach(double sequences, double seq) {
        double told = bytes(sequences, seq);
        double times = used.get(0).seq() == 0 ? 1 : seq / used.get(0).seq();
        double most = fixed + sequences * slope * Math.max(times, times * times);
        if (repeats == AS_IT_COMES) {
            return Math.max(told, most);
        }
        long longest = used.stream().mapToLong(Step::seq).max().orElse(0);
        return seq > longest ? Math.max(told, (told + most) / 2) : told;
    }

    /** What errors of the measured peaks become at a point, where all of them add up. */
    double error(double sequences, double seq) {
        double error = 0;
        for (int i = 0; i < peaks.length; i++) {
            double[] moved = peaks.clone();
            moved[i] += Math.max(LEAST_ERROR, repeats * peaks[i]);
            error += Math.abs(new ProbeFit(used, moved, repeats).bytes(sequences, seq) - bytes(sequences, seq));
        }
        return error;
    }

    /** {@code "31.20 MiB + sequences × (410.00 KiB × seq + 1.30 KiB × seq²)"}. */
    String toString(String noun) {
        String each = knowsSequences()
                ? "(" + Bytes.format(Math.round(linear)) + " × seq + " + Bytes.format(Math.round(square)) + " × seq²)"
                : Bytes.format(Math.round(slope));
        return Bytes.format(Math.round(fixed)) + " + " + noun + "s × " + each;
    }
}

package io.headroom.memory;

import java.util.Arrays;
import java.util.Optional;

/**
 * The slope of a series with its confidence interval, robust against spikes: Theil–Sen over all pairs of points, judged
 * by the Mann–Kendall test.
 *
 * <p>Fewer than {@value #LEAST} points have no trend. Sources: P. K. Sen, "Estimates of the regression coefficient based
 * on Kendall's tau", JASA 63 (1968); H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945).
 *
 * <pre>{@code
 * Trend.of(steps, bytes).filter(Trend::grows);
 * }</pre>
 *
 * @param slope bytes per unit of x, the median over all pairs
 * @param low lower end of the 99 % interval
 * @param high upper end of the 99 % interval
 * @param z Mann–Kendall's normal score; above 2.58 the series grows with 99 % confidence
 * @param points how many points it rests on
 */
public record Trend(double slope, double low, double high, double z, int points) {
    /** Fewer points than this have no trend. */
    public static final int LEAST = 10;

    private static final double CONFIDENT = 2.576;
    private static final int STRETCHES = 8;
    /** Student's t at 99.5 %, by the number of climbs. */
    private static final double[] STUDENT = {0, 0, 63.66, 9.925, 5.841, 4.604, 4.032, 3.707};

    /** The trend of y over x; empty with fewer than {@value #LEAST} points or where all x are equal. */
    public static Optional<Trend> of(double[] x, double[] y) {
        int n = x.length;
        if (n < LEAST) {
            return Optional.empty();
        }
        double[] slopes = new double[n * (n - 1) / 2];
        int count = 0;
        long score = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                if (x[j] != x[i]) {
                    slopes[count++] = (y[j] - y[i]) / (x[j] - x[i]);
                    score += (long) Math.signum((y[j] - y[i]) * (x[j] - x[i]));
                }
            }
        }
        if (count == 0) {
            return Optional.empty();
        }
        double[] sorted = Arrays.copyOf(slopes, count);
        Arrays.sort(sorted);
        double variance = (n * (n - 1.0) * (2.0 * n + 5) - ties(y)) / 18;
        double z = score == 0 || variance <= 0 ? 0 : (score - Math.signum(score)) / Math.sqrt(variance);
        double half = CONFIDENT * Math.sqrt(Math.max(0, variance)) / 2;
        return Optional.of(new Trend(
                at(sorted, (count - 1) / 2.0), at(sorted, count / 2.0 - half), at(sorted, count / 2.0 + half), z, n));
    }

    /** Whether it grows with 99 % confidence. */
    public boolean grows() {
        return z > CONFIDENT && low > 0;
    }

    /**
     * Whether y climbs from stretch to stretch too evenly to be a walk without a direction: Mann–Kendall takes its points to be
     * independent, which a resident set is not. Up to eight stretches, Student's t of the climbs between their means.
     */
    static boolean climbs(double[] y) {
        int stretches = Math.min(STRETCHES, y.length / 2);
        if (stretches < 4) {
            return false;
        }
        double[] means = new double[stretches];
        double[] middles = new double[stretches];
        for (int i = 0; i < stretches; i++) {
            int from = i * y.length / stretches;
            int to = (i + 1) * y.length / stretches;
            means[i] = Arrays.stream(y, from, to).average().orElseThrow();
            middles[i] = (from + to) / 2.0;
        }
        int n = stretches - 1;
        double[] climbs = new double[n];
        for (int i = 0; i < n; i++) {
            climbs[i] = (means[i + 1] - means[i]) / (middles[i + 1] - middles[i]);
        }
        double mean = Arrays.stream(climbs).average().orElseThrow();
        double squares = Arrays.stream(climbs).map(c -> (c - mean) * (c - mean)).sum();
        double error = Math.sqrt(squares / (n - 1) / n);
        return mean > 0 && mean >= STUDENT[n] * error;
    }

    private static double at(double[] sorted, double rank) {
        return sorted[(int) Math.max(0, Math.min(sorted.length - 1, Math.round(rank)))];
    }

    private static double ties(double[] y) {
        double[] sorted = y.clone();
        Arrays.sort(sorted);
        double sum = 0;
        for (int i = 0; i < sorted.length; ) {
            int j = i;
            while (j < sorted.length && sorted[j] == sorted[i]) {
                j++;
            }
            double t = j - i;
            sum += t * (t - 1) * (2 * t + 5);
            i = j;
        }
        return sum;
    }
}

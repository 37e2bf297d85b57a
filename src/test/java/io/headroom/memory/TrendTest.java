package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

class TrendTest {
    @Test
    void aLineUnderNoiseHasItsSlopeInTheInterval() {
        Random random = new Random(1);
        Trend trend = of(60, i -> 1_000 + 5 * i + 20 * random.nextGaussian());
        assertThat(trend.grows()).isTrue();
        assertThat(trend.slope()).isCloseTo(5, within(0.5));
        assertThat(trend.low()).isLessThan(5);
        assertThat(trend.high()).isGreaterThan(5);
    }

    @Test
    void noiseAloneHardlyEverGrows() {
        int wrong = 0;
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            wrong += of(40, i -> random.nextGaussian()).grows() ? 1 : 0;
        }
        assertThat(wrong).isLessThanOrEqualTo(8);
    }

    @Test
    void oneSpikeIsNoGrowth() {
        assertThat(of(40, i -> i == 39 ? 1e9 : 100).grows()).isFalse();
    }

    @Test
    void aConstantHasNoTrend() {
        assertThat(of(40, i -> 100).grows()).isFalse();
    }

    @Test
    void twoPointsAreNoTrend() {
        assertThat(Trend.of(new double[] {0, 1}, new double[] {0, 9})).isEmpty();
        assertThat(Trend.of(new double[20], new double[20])).isEmpty();
    }

    private static Trend of(int n, IntToDoubleFunction value) {
        double[] x = new double[n];
        double[] y = new double[n];
        for (int i = 0; i < n; i++) {
            x[i] = i;
            y[i] = value.applyAsDouble(i);
        }
        return Trend.of(x, y).orElseThrow();
    }
}

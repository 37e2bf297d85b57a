package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headroom.training.Probe.Step;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** The curve through the steps of a probe. */
class ProbeFitTest {
    @Property(tries = 200)
    void findsFixedLinearAndSquare(
            @ForAll @IntRange(max = 1 << 30) int fixed,
            @ForAll @IntRange(max = 100_000) int linear,
            @ForAll @IntRange(max = 5_000) int square,
            @ForAll @IntRange(min = 4, max = 1000) int seq) {
        ProbeFit fit = ProbeFit.of(
                List.of(
                        step(1, Math.max(1, seq / 8), 0, 0, 0),
                        step(4, seq, fixed, linear, square),
                        step(9, seq, fixed, linear, square),
                        step(18, seq / 2, fixed, linear, square)),
                true,
                Step::passBytes);
        double told = fit.bytes(64, 2.0 * seq);
        assertThat(told).isCloseTo(bytes(64, 2L * seq, fixed, linear, square), within(1 + told * 1e-6));
        assertThat(fit.error(64, 2.0 * seq)).isPositive();
    }

    @Property(tries = 100)
    void neitherCoefficientIsNegative(@ForAll @IntRange(max = 2000) int halfPeak) {
        ProbeFit fit = ProbeFit.of(
                List.of(
                        new Step(1, 8, 0, 0, 0),
                        new Step(1, 64, 0, 100, 0),
                        new Step(2, 64, 0, 200, 0),
                        new Step(4, 32, 0, halfPeak, 0)),
                true,
                Step::passBytes);
        assertThat(fit.bytes(1, 64)).isCloseTo(100, within(1e-6));
        assertThat(fit.bytes(1, 640)).isBetween(1000 - 1e-6, 10_000 + 1e-6);
    }

    /** Beyond the measured length half of what is missing to the square is allowed for; up to it nothing. */
    @Property(tries = 100)
    void aLongerSequenceMayGrowFasterThanToldAndAShorterMayNot(
            @ForAll @IntRange(min = 1, max = 100_000) int linear, @ForAll @IntRange(max = 5_000) int square) {
        ProbeFit fit = ProbeFit.of(
                List.of(
                        step(4, 64, 100, linear, square),
                        step(9, 64, 100, linear, square),
                        step(18, 32, 100, linear, square)),
                true,
                Step::passBytes);
        double told = fit.bytes(9, 128);
        double all = 100 + 9 * 4 * (64.0 * linear + 64.0 * 64 * square);
        assertThat(fit.reach(9, 128)).isCloseTo((told + all) / 2, within(1 + told * 1e-6));
        assertThat(fit.reach(9, 64)).isEqualTo(fit.bytes(9, 64));
        assertThat(fit.reach(9, 48)).isEqualTo(fit.bytes(9, 48));
        assertThat(fit.reach(90, 64)).isEqualTo(fit.bytes(90, 64));
    }

    /** A block that does not take half the length is measured at the full one. */
    @Property(tries = 50)
    void theThirdStepMayBeTheLongestOne(@ForAll @IntRange(min = 1, max = 100_000) int linear) {
        ProbeFit fit = ProbeFit.of(
                List.of(step(4, 64, 100, linear, 7), step(9, 64, 100, linear, 7), step(2, 128, 100, linear, 7)),
                true,
                Step::passBytes);
        assertThat(fit.knowsSequences()).isTrue();
        double told = bytes(50, 100, 100, linear, 7);
        assertThat(fit.bytes(50, 100)).isCloseTo(told, within(1 + told * 1e-6));
        assertThat(fit.reach(50, 128)).isEqualTo(fit.bytes(50, 128));
    }

    @Property(tries = 50)
    void withoutASequenceItIsALine(@ForAll @IntRange(min = 1, max = 1000) int each) {
        ProbeFit fit = ProbeFit.of(
                List.of(
                        new Step(1, 0, 0, 77, 0),
                        new Step(2, 0, 0, 10 + 2L * each, 0),
                        new Step(8, 0, 0, 10 + 8L * each, 0)),
                true,
                Step::passBytes);
        assertThat(fit.knowsSequences()).isFalse();
        assertThat(fit.bytes(100, 0)).isCloseTo(10 + 100.0 * each, within(1e-6));
    }

    private static Step step(long sequences, long seq, long fixed, long linear, long square) {
        return new Step(sequences, seq, 0, bytes(sequences, seq, fixed, linear, square), 0);
    }

    private static long bytes(long sequences, long seq, long fixed, long linear, long square) {
        return fixed + sequences * (linear * seq + square * seq * seq);
    }
}

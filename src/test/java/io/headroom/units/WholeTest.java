package io.headroom.units;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A whole number may be written with a point or an exponent; a fraction is none. */
class WholeTest {
    @Test
    void takesWhatIsWhole() {
        assertThat(Whole.of(100)).hasValue(100);
        assertThat(Whole.of(1L << 60)).hasValue(1L << 60);
        assertThat(Whole.of(4.0)).hasValue(4);
        assertThat(Whole.of(1e2)).hasValue(100);
        assertThat(Whole.of(-3.0f)).hasValue(-3);
    }

    @Test
    void refusesWhatIsNot() {
        assertThat(Whole.of(4.5)).isEmpty();
        assertThat(Whole.of(1e300)).isEmpty();
        assertThat(Whole.of(Double.NaN)).isEmpty();
        assertThat(Whole.of(Double.POSITIVE_INFINITY)).isEmpty();
        assertThat(Whole.of("4")).isEmpty();
        assertThat(Whole.of(null)).isEmpty();
    }
}

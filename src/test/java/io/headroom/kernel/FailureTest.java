package io.headroom.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FailureTest {
    @Test
    void keepsTheChainOutermostFirst() {
        Failure failure = Failure.of(new IllegalStateException("outer", new OutOfMemoryError("CUDA out of memory")));

        assertThat(failure.chain())
                .extracting(Failure::type)
                .containsExactly("java.lang.IllegalStateException", "java.lang.OutOfMemoryError");
        assertThat(failure.chain().get(1).message()).isEqualTo("CUDA out of memory");
    }

    @Test
    void readsAsAPastedStackTrace() {
        String text = Failure.of(new RuntimeException("a", new Error("b"))).text();

        assertThat(text)
                .startsWith("java.lang.RuntimeException: a\n\tat ")
                .contains("\nCaused by: java.lang.Error: b\n");
    }

    @Test
    void aThrowableWithoutMessageHasAnEmptyOne() {
        assertThat(Failure.of(new Error()).message()).isEmpty();
        assertThat(Failure.of(new Error()).text()).startsWith("java.lang.Error\n");
    }

    @Test
    void aCauseThatGoesInCirclesEnds() {
        Exception one = new Exception("one");
        Exception two = new Exception("two", one);
        one.initCause(two);

        assertThat(Failure.of(one).chain()).hasSizeLessThan(64);
    }
}

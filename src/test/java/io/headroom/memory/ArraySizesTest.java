package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.TensorHeaders.Header;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where tensors' headers cannot be read: no /proc, or another layout. */
class ArraySizesTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void theEngineIsAskedAndViewsCountAgain() {
        NDArray array = manager.ones(new Shape(4, 8));
        ArraySizes sizes = new ArraySizes(true, Optional.empty());
        Header whole = sizes.of(array).orElseThrow();
        assertThat(whole.label()).isEqualTo("(4, 8) float32");
        assertThat(sizes.bytes(whole)).isEqualTo(128);
        assertThat(sizes.bytes(sizes.of(array.get(0)).orElseThrow())).isEqualTo(32);
    }

    @Test
    void anotherThreadKnowsOnlyWhatWasAskedBefore() {
        NDArray asked = manager.ones(new Shape(4, 8));
        NDArray fresh = manager.ones(new Shape(2));
        ArraySizes first = new ArraySizes(true, Optional.empty());
        first.of(asked);
        first.publish();
        ArraySizes beside = new ArraySizes(false, Optional.empty());
        assertThat(beside.of(asked).map(Header::bytes)).contains(128L);
        assertThat(beside.of(fresh)).isEmpty();
    }

    @Test
    void arraysOfAllThreadsAreAbsentUnlessToldThatNoneClosesAny() {
        ArraySizes sizes = new ArraySizes(true, Optional.empty());
        assertThat(sizes.known()).isFalse();
        System.setProperty(ArraySizes.TOLD, "ask");
        try {
            assertThat(sizes.known()).isTrue();
        } finally {
            System.clearProperty(ArraySizes.TOLD);
        }
        assertThat(LiveArrays.known(manager, sizes)).isEmpty();
        assertThat(LiveArrays.known(manager, new ArraySizes(true))).isPresent();
    }

    @Test
    void aClosedArrayHasNoSize() {
        NDArray array = manager.ones(new Shape(4, 8));
        array.close();
        assertThat(new ArraySizes(true, Optional.empty()).of(array)).isEmpty();
        assertThat(new ArraySizes(true).of(array)).isEmpty();
    }
}

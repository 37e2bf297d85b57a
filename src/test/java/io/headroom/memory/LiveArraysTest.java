package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.NativeResource;
import com.sun.jna.Pointer;
import io.headroom.units.Bytes;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@EnabledOnOs(OS.LINUX)
class LiveArraysTest {
    private static final long SIZE = 4 * Bytes.MIB;
    private static final Shape SQUARE = new Shape(1024, 1024);

    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void viewsCountAsArraysButTheirStorageOnce() {
        NDArray array = manager.ones(SQUARE);
        array.get("0:512");
        array.reshape(1024 * 1024);
        array.transpose();
        LiveArrays live = LiveArrays.of(manager);
        assertThat(live.count()).isEqualTo(4);
        assertThat(live.bytes()).isEqualTo(SIZE);
        array.duplicate();
        assertThat(LiveArrays.of(manager).bytes()).isEqualTo(2 * SIZE);
    }

    @Test
    void theOutermostManagerHasTheStorage() {
        NDManager batch = manager.newSubManager();
        batch.setName("batch");
        NDArray array = manager.ones(SQUARE);
        array.get(3).attach(batch);
        LiveArrays live = LiveArrays.of(manager);
        assertThat(live.managers().get(0).bytes()).isEqualTo(SIZE);
        assertThat(live.managers().get(1).name()).isEqualTo("batch");
        assertThat(live.managers().get(1).bytes()).isZero();
        assertThat(live.managers().get(1).count()).isEqualTo(1);
    }

    @Test
    void aViewKeepsTheWholeStorageOfWhatItWasTakenFrom() {
        NDArray array = manager.ones(SQUARE);
        NDArray row = array.get(7);
        array.close();
        assertThat(LiveArrays.of(manager).bytes()).isEqualTo(SIZE);
        assertThat(LiveArrays.bytes(List.of(row, array))).isEqualTo(SIZE);
        row.close();
        assertThat(LiveArrays.of(manager).count()).isZero();
    }

    @Test
    void anArrayAttachedForATimeCountsWhereItIs() {
        NDArray array = manager.ones(SQUARE);
        try (NDManager scope = manager.newSubManager()) {
            array.tempAttach(scope);
            assertThat(LiveArrays.of(scope).bytes()).isEqualTo(SIZE);
            assertThat(LiveArrays.of(manager).bytes()).isEqualTo(SIZE);
            assertThat(LiveArrays.arrays(manager)).containsExactly(array);
        }
        assertThat(LiveArrays.of(manager).count()).isEqualTo(1);
    }

    @Test
    void anArrayThatIsGivenAnothersTensorIsReadAgain() {
        NDArray array = manager.ones(new Shape(4));
        assertThat(LiveArrays.now()).isPresent();
        array.intern(manager.ones(SQUARE));
        assertThat(LiveArrays.of(manager).bytes()).isEqualTo(SIZE);
    }

    /** As when an array is given another tensor twice, and malloc puts the second where the first had been. */
    @Test
    void anotherTensorAtTheSameAddressIsSeenInTime() {
        try (NDManager other = NDManager.newBaseManager("PyTorch")) {
            Pointer small = new Pointer(handle(manager.ones(new Shape(4))));
            Pointer large = new Pointer(handle(other.ones(SQUARE)));
            assertThat(LiveArrays.now()).isPresent();
            long tensor = small.getLong(0);
            small.setLong(0, large.getLong(0));
            large.setLong(0, tensor);
            for (int i = 0; i < 64; i++) {
                assertThat(LiveArrays.now()).isPresent();
            }
            assertThat(LiveArrays.of(manager).bytes()).isEqualTo(SIZE);
        }
    }

    @Test
    void aSparseArrayHasNoStorageOfItsOwn() {
        manager.createCoo(
                FloatBuffer.wrap(new float[] {1, 2}),
                new long[][] {{0, 999_999}, {0, 999_999}},
                new Shape(1_000_000, 1_000_000));
        LiveArrays live = LiveArrays.of(manager);
        assertThat(live.count()).isPositive();
        assertThat(live.bytes()).isLessThan(Bytes.KIB);
    }

    private static long handle(NDArray array) {
        return (Long) ((NativeResource<?>) array).getHandle();
    }

    @ParameterizedTest
    @EnumSource(
            value = DataType.class,
            names = {"FLOAT16", "FLOAT32", "FLOAT64", "UINT8", "INT8", "INT32", "INT64", "BOOLEAN"})
    void shapeAndTypeAreThoseOfTheArray(DataType type) {
        for (Shape shape :
                List.of(new Shape(), new Shape(0), new Shape(5), new Shape(2, 3), new Shape(1, 2, 3, 4, 5, 6, 7))) {
            try (NDManager inner = manager.newSubManager()) {
                NDArray array = inner.zeros(shape, type);
                LiveArrays live = LiveArrays.of(inner);
                assertThat(live.managers().get(0).shapes())
                        .containsOnlyKeys(array.getShape() + " "
                                + array.getDataType().name().toLowerCase(java.util.Locale.ROOT));
                assertThat(live.bytes()).isEqualTo(shape.size() * type.getNumOfBytes());
            }
        }
    }

    /** The fault it is for decides how long is long enough: asking the engine ends the JVM first, here, today. */
    @Test
    void readingWhileOthersCloseArraysDoesNotEndTheJvm() {
        List<String> options = List.of("-Xmx64m", "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=/dev/null");
        long began = System.nanoTime();
        assertThat(Fork.run(WalkMain.class, options, "60", "ask").exit()).isNotZero();
        long fault = (System.nanoTime() - began) / 1_000_000_000L + 1;

        Fork.Result result = Fork.run(WalkMain.class, options, String.valueOf(Math.min(60, Math.max(5, 3 * fault))));
        assertThat(result.output()).contains("still here");
        assertThat(result.exit()).isZero();
    }
}

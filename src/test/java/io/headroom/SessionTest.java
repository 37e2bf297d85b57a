package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.kernel.FailedCell;
import io.headroom.kernel.Failure;
import io.headroom.units.Bytes;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What one statement ran and left is told of its own failure and of no other. */
class SessionTest {
    private static final String REFUSED =
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4294967296 bytes.";
    private static final Workload STEP =
            Workload.transformer().batch(512).seq(512).training(OptimizerKind.ADAM);

    private final NotebookCells cells = new NotebookCells();
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @BeforeEach
    void start() {
        cells.passed();
    }

    @AfterEach
    void close() {
        manager.close();
        cells.passed();
    }

    private static FailedCell failing(String code, String message) {
        return new FailedCell(code, Failure.of(new IllegalStateException(message)));
    }

    @Test
    void aStepThatWasOnlyEstimatedIsNotTheOneThatFailed() {
        Headroom.estimate(STEP);
        Headroom.budget(STEP);
        FailedStatement failed = Failures.explain(failing("manager.zeros(new Shape(1 << 30));", REFUSED));

        assertThat(failed.workload()).isEmpty();
        assertThat(failed.explanation().diagnosis().orElseThrow().evidence())
                .noneMatch(line -> line.startsWith("The budget"));
    }

    @Test
    void theStepThatRunsIsTheOneThatFailedAndNotTheNextOnes() {
        Session.current().running(STEP);
        cells.failed(failing("run(step)", REFUSED));
        assertThat(Session.current().failure().orElseThrow().workload()).contains(STEP);

        cells.failed(failing("manager.zeros(new Shape(1 << 30));", REFUSED));
        assertThat(Session.current().failure().orElseThrow().workload()).isEmpty();

        Session.current().running(STEP);
        cells.passed();
        assertThat(Session.current().running()).isEmpty();
    }

    @Test
    void aLaterTypoNeitherLosesNorReplacesWhatIsHeld() {
        NDArray lost = manager.ones(new Shape(1 << 20));
        cells.failed(failing("step()", REFUSED));
        cells.passed();
        NDArray others = manager.ones(new Shape(1 << 20));
        cells.failed(failing("typo()", "no such name"));

        Headroom.releaseFailed();

        assertThat(lost.isReleased()).isTrue();
        assertThat(others.isReleased()).isFalse();
        assertThatThrownBy(Headroom::releaseFailed).hasMessageContaining("No failed cell holds arrays");
    }

    @Test
    void eachCardClosesItsOwnAndTheCellClosesAll() {
        NDArray one = manager.ones(new Shape(1 << 20));
        cells.failed(failing("one()", REFUSED));
        FailedStatement first = Session.current().failure().orElseThrow();
        NDArray two = manager.ones(new Shape(2 << 20));
        cells.failed(failing("two()", REFUSED));
        FailedStatement second = Session.current().failure().orElseThrow();
        assertThat(second.left().orElseThrow().bytes()).isEqualTo(8 * Bytes.MIB);

        Session.current().release(first.left().orElseThrow());
        assertThat(one.isReleased()).isTrue();
        assertThat(two.isReleased()).isFalse();
        assertThatThrownBy(() -> Session.current().release(first.left().orElseThrow()))
                .hasMessageContaining("No failed cell holds arrays");
        Headroom.releaseFailed();
        assertThat(two.isReleased()).isTrue();
    }
}

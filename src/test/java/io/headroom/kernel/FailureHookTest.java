package io.headroom.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.render.Bundle;
import java.util.ArrayList;
import java.util.List;
import jdk.jshell.JShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FailureHookTest {
    private final RecordingCells cells = new RecordingCells();
    private final List<Bundle> shown = new ArrayList<>();
    private JShell shell;

    @BeforeEach
    void open() {
        shell = LocalShell.open();
        shell.onSnippetEvent(new FailureHook(cells, shown::add));
    }

    @AfterEach
    void close() {
        shell.close();
    }

    @Test
    void seesTheStatementAndTheWholeChain() {
        fail("int calm = 1; throw new IllegalStateException(\"outer\", new OutOfMemoryError(\"inner\"));");

        assertThat(shown).extracting(Bundle::plain).containsExactly("card: java.lang.IllegalStateException");
        FailedCell cell = cells.failures.get(0);
        assertThat(cell.code()).contains("throw new").doesNotContain("calm");
        assertThat(cell.failure().chain()).extracting(Failure::message).containsExactly("outer", "inner");
    }

    @Test
    void seesAHeapThatIsFull() {
        fail("Object[] all = new Object[100_000]; for (int i = 0; i < all.length; i++) all[i] = new long[4 << 20];");

        assertThat(cells.failures.get(0).failure().type()).isEqualTo("java.lang.OutOfMemoryError");
        assertThat(cells.failures.get(0).failure().message()).isEqualTo("Java heap space");
        shell.eval("all = null;");
    }

    @Test
    void saysNothingOfACellThatPasses() {
        LocalShell.eval(shell, "int a = 1; a + 1");
        shell.eval("does not compile");

        assertThat(shown).isEmpty();
    }

    @Test
    void aDiagnosisThatFailsLeavesAPlainLine() {
        cells.broken = new IllegalStateException("card broke");
        fail("throw new OutOfMemoryError(\"first\");");

        assertThat(shown.get(0).plain())
                .contains("java.lang.OutOfMemoryError: first")
                .contains("card broke");
    }

    @Test
    void aFailureAlreadyShownByAnEvaluationInsideIsNotShownAgain() {
        shell.eval("class Inner extends Exception {}");
        fail("throw new RuntimeException(jdk.jshell.JShell.create().eval(\"throw new Error();\").get(0).exception());");

        assertThat(shown).isEmpty();
    }

    private void fail(String cell) {
        assertThatThrownBy(() -> LocalShell.eval(shell, cell)).hasMessage("cell failed");
    }
}

package io.headroom.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.kernel.NotebookKernel.Variable;
import java.util.List;
import jdk.jshell.JShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Both ways of finding a variable: the module opened by the kernel's options, and not. */
class CellVariablesTest {
    private final JShell shell = LocalShell.open();

    @AfterEach
    void close() {
        shell.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void namesVariablesAndTemporariesWithTheirValues(boolean opened) {
        List<Variable> found = after(opened, "var list = new ArrayList<String>(); int n = 5; \"a\" + n");

        assertThat(found).contains(new Variable("n", "int", 5), new Variable("$1", "String", "a5"));
        assertThat(found).filteredOn(each -> each.name().equals("list")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void givesTheValueOfTheLastDeclarationAndAssignment(boolean opened) {
        List<Variable> found = after(
                opened, "int x = 1; int x = 2; String x = \"three\"; String y = \"a\"; y = \"b\"; int x = 4; x = 7;");

        assertThat(found).contains(new Variable("x", "int", 7), new Variable("y", "String", "b"));
        assertThat(found).filteredOn(each -> each.name().equals("x")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void leavesOutWhatHoldsNothing(boolean opened) {
        assertThat(after(opened, "String empty = null; int y = 1;"))
                .extracting(Variable::name)
                .contains("y")
                .doesNotContain("empty");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void evaluatesNothing(boolean opened) {
        after(opened, "int before = 1; before + 1");
        LocalShell.eval(shell, "before + 2");

        assertThat(shell.variables().map(each -> each.name())).containsExactly("before", "$1", "$2");
    }

    private List<Variable> after(boolean opened, String cell) {
        shell.eval("import java.util.*;");
        LocalShell.eval(shell, cell);
        return new CellVariables(shell, LocalShell.loader(shell), opened).list();
    }
}

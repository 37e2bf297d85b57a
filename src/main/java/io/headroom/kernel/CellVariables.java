package io.headroom.kernel;

import io.headroom.kernel.NotebookKernel.Variable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.VarSnippet;

/**
 * Reads notebook variables where JShell keeps them, without evaluating anything.
 *
 * <p>A variable is a public static field, by its own name, of the wrapper class of its snippet. JShell knows the class's
 * name but tells it only inside its module; where the kernel does not open that module the name is found by trying:
 * {@code REPL.$JShell$<index><letters>}, the index counting declarations and the letters counting redefinitions.
 */
final class CellVariables {
    private static final String WRAPPER = "REPL.$JShell$";
    private static final int REDEFINITIONS = 26;

    private final JShell shell;
    private final ClassLoader loader;
    private final boolean mayAsk;

    CellVariables(JShell shell, ClassLoader loader) {
        this(shell, loader, true);
    }

    /** With {@code mayAsk} false the wrappers' names are found by trying, as where JShell's module is closed. */
    CellVariables(JShell shell, ClassLoader loader, boolean mayAsk) {
        this.shell = shell;
        this.loader = loader;
        this.mayAsk = mayAsk;
    }

    List<Variable> list() {
        List<Variable> found = new ArrayList<>();
        List<VarSnippet> snippets = shell.variables()
                .filter(snippet -> shell.status(snippet) == Snippet.Status.VALID)
                .toList();
        int declarations = (int) Math.min(shell.snippets().count(), 100_000);
        for (VarSnippet snippet : snippets) {
            field(snippet, declarations)
                    .flatMap(CellVariables::value)
                    .ifPresent(value -> found.add(new Variable(snippet.name(), snippet.typeName(), value)));
        }
        return found;
    }

    private Optional<Field> field(VarSnippet snippet, int declarations) {
        Optional<String> told = mayAsk ? wrapper(snippet) : Optional.empty();
        if (told.isPresent()) {
            return field(told.get(), snippet.name());
        }
        for (int index = declarations + 1; index > 0; index--) {
            Optional<Field> found = latest(index, snippet.name());
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private Optional<Field> latest(int index, String name) {
        Optional<Field> found = field(WRAPPER + index, name);
        for (int letter = 0; letter < REDEFINITIONS; letter++) {
            Optional<Field> later = field(WRAPPER + index + (char) ('A' + letter), name);
            if (later.isPresent()) {
                found = later;
            }
        }
        return found;
    }

    private static Optional<String> wrapper(Snippet snippet) {
        try {
            Method name = Snippet.class.getDeclaredMethod("classFullName");
            name.setAccessible(true);
            return Optional.of((String) name.invoke(snippet));
        } catch (ReflectiveOperationException | RuntimeException closed) {
            return Optional.empty();
        }
    }

    private Optional<Field> field(String type, String name) {
        try {
            return Optional.of(Class.forName(type, false, loader).getDeclaredField(name));
        } catch (ReflectiveOperationException | LinkageError none) {
            return Optional.empty();
        }
    }

    private static Optional<Object> value(Field field) {
        try {
            field.setAccessible(true); // the field is public, its class is not
            return Optional.ofNullable(field.get(null));
        } catch (IllegalAccessException | RuntimeException | LinkageError unreadable) {
            return Optional.empty();
        }
    }
}

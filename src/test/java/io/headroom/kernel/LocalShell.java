package io.headroom.kernel;

import java.util.List;
import jdk.jshell.JShell;
import jdk.jshell.SnippetEvent;

/** A JShell in this JVM, as the kernels have it: its snippets see the classes of the test. */
public final class LocalShell {
    private static volatile ClassLoader seen;

    private LocalShell() {}

    public static JShell open() {
        JShell shell = JShell.builder().executionEngine("local").build();
        String surefire = System.getProperty("surefire.test.class.path");
        shell.addToClasspath(surefire == null ? System.getProperty("java.class.path") : surefire);
        return shell;
    }

    /** The loader of the snippets' classes, told by one of them. */
    public static ClassLoader loader(JShell shell) {
        shell.eval("void $seen() { io.headroom.kernel.LocalShell.see(); }");
        shell.eval("$seen();");
        return seen;
    }

    public static void see() {
        seen = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
                .getCallerClass()
                .getClassLoader();
    }

    /** Evaluates a cell's statements in turn, and stops at the first that fails. */
    public static Object eval(JShell shell, String cell) {
        String rest = cell;
        Object last = null;
        while (!rest.isBlank()) {
            var info = shell.sourceCodeAnalysis().analyzeCompletion(rest);
            List<SnippetEvent> events = shell.eval(info.source());
            for (SnippetEvent event : events) {
                if (event.causeSnippet() == null && event.exception() != null) {
                    throw new IllegalStateException("cell failed", event.exception());
                }
                last = event.value();
            }
            rest = info.remaining();
        }
        return last;
    }
}

package io.headroom.kernel;

import io.headroom.NotebookCells;
import io.headroom.render.Bundle;
import java.util.ArrayList;
import java.util.List;
import jdk.jshell.JShell;

/** A cell fills the heap until no 16 KiB are left and keeps it; prints what was shown under it. */
public final class FullHeapMain {
    private static final List<Object> KEPT = new ArrayList<>(1 << 16);

    private FullHeapMain() {}

    public static void main(String[] args) {
        NotebookCells cells = new NotebookCells();
        cells.warm();
        try (JShell shell = LocalShell.open()) {
            shell.onSnippetEvent(new FailureHook(cells, FullHeapMain::print));
            shell.eval("io.headroom.kernel.FullHeapMain.fill();");
            KEPT.clear();
            System.out.println("still alive: " + shell.eval("1 + 1").get(0).value());
        }
    }

    private static void print(Bundle bundle) {
        System.out.println("shown: " + bundle.plain());
        System.out.println("html: " + bundle.data().containsKey(Bundle.HTML));
    }

    /** Called by the cell. */
    public static void fill() {
        int size = 1 << 20;
        while (true) {
            try {
                KEPT.add(new byte[size]);
            } catch (OutOfMemoryError full) {
                if (size < 16_384) {
                    throw full;
                }
                size /= 2;
            }
        }
    }
}

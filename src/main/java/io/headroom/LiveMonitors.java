package io.headroom;

import io.headroom.memory.MemoryMonitor;
import io.headroom.model.Variable;
import java.util.ArrayList;
import java.util.List;

/**
 * The monitors that were shown live out of a variable. A cell that is run again gives the variable a new one: no cell can
 * stop the old one then, and its view is gone, so it is closed.
 */
final class LiveMonitors {
    private final List<MemoryMonitor> shown = new ArrayList<>();

    /** Notes one that is shown, and closes the earlier ones that no variable holds any more. */
    synchronized void show(MemoryMonitor next, List<Variable> variables) {
        shown.stream().filter(each -> each != next && !holds(variables, each)).forEach(MemoryMonitor::close);
        shown.removeIf(each -> each == next || each.isClosed());
        if (holds(variables, next)) {
            shown.add(next);
        }
    }

    private static boolean holds(List<Variable> variables, MemoryMonitor monitor) {
        return variables.stream().anyMatch(variable -> variable.value() == monitor);
    }
}

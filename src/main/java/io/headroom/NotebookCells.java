package io.headroom;

import ai.djl.engine.EngineException;
import io.headroom.kernel.Cells;
import io.headroom.kernel.FailedCell;
import io.headroom.kernel.Failure;
import io.headroom.kernel.Imports;
import io.headroom.kernel.Kernels;
import io.headroom.kernel.NotebookKernel;
import io.headroom.memory.MemoryLimit;
import io.headroom.memory.Watch;
import io.headroom.model.Leftovers;
import io.headroom.remedy.Remedy;
import io.headroom.render.Bundle;
import io.headroom.render.DiagnosisText;
import io.headroom.render.PeakView;
import io.headroom.render.ReadingView;
import io.headroom.units.Bytes;
import io.headroom.widget.ActionButton;
import io.headroom.widget.RemedyPanel;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The cells as a kernel adapter sees them: imports, how values look, what a failing cell gets. */
public final class NotebookCells implements Cells {
    private static final Bundle FULL = Bundle.text(
            """
            Out of memory, and the Java heap is so full that even this card does not fit.
              Set the large variables of this notebook to null (Java arrays, lists, maps), then run
                release()       // collects, and tells what came back and who holds the rest
                diagnose()      // the card again, where its numbers were still read
              If they are needed, give the kernel a larger heap (-Xmx) and restart it.""");

    @Override
    public List<String> imports() {
        return Imports.standard(
                "import static io.headroom.Headroom.*;",
                "import io.headroom.budget.cuda.*;",
                "import io.headroom.remedy.*;",
                "import io.headroom.training.*;",
                "import io.headroom.units.Bytes;",
                "import io.headroom.workload.*;",
                "import io.headroom.workload.preset.*;");
    }

    @Override
    public List<Class<?>> rendered() {
        return Views.types();
    }

    @Override
    public Optional<Bundle> render(Object value) {
        Optional<FailedStatement> last = Session.current().failure().filter(failure -> failure.explanation() == value);
        return last.map(NotebookCells::withButtons).or(() -> Views.find(value));
    }

    @Override
    public Optional<Bundle> failed(FailedCell cell) {
        try {
            MemoryLimit.makeRoom();
            return card(cell);
        } catch (OutOfMemoryError full) {
            return Optional.of(FULL);
        } finally {
            MemoryLimit.settle();
        }
    }

    private static Optional<Bundle> card(FailedCell cell) {
        FailedStatement failed = explained(cell);
        if (failed.explanation().diagnosis().isEmpty()) {
            return Optional.empty();
        }
        Session.current().failed(failed);
        Session.current().read("out of memory");
        return Optional.of(withButtons(failed));
    }

    private static FailedStatement explained(FailedCell cell) {
        try {
            return Failures.explain(cell);
        } finally {
            Session.current().ended();
        }
    }

    /** Shows the card and gives the buttons that belong below it; gives the card where there are none. */
    private static Bundle withButtons(FailedStatement failed) {
        Bundle last = card(failed.explanation());
        List<Bundle> below = Stream.of(failed.left().flatMap(NotebookCells::release), buttons(failed))
                .flatMap(Optional::stream)
                .toList();
        for (Bundle next : below) {
            Session.show(last);
            last = next;
        }
        return last;
    }

    /** The way to what the failed cell still holds; nothing where it holds nothing. */
    private static Optional<Bundle> release(Leftovers left) {
        try {
            long bytes = left.bytes();
            return bytes == 0
                    ? Optional.empty()
                    : Kernels.current()
                            .flatMap(NotebookKernel::comms)
                            .map(new ActionButton(
                                    "Release what the failed cell holds, " + Bytes.format(bytes),
                                    "Closes the arrays that it opened"
                                            + (left.names().isEmpty()
                                                    ? ""
                                                    : ", those in " + String.join(", ", left.names()) + " too")
                                            + "; what other variables hold by now stays",
                                    () -> Session.current().release(left).toString(),
                                    "releaseFailed()")::show);
        } catch (Throwable failed) {
            return Optional.empty();
        }
    }

    /** The way from the card to the budget at a remedy's setting; nothing where it cannot be made. */
    private static Optional<Bundle> buttons(FailedStatement failed) {
        try {
            Workload workload = failed.workload().orElse(null);
            List<Remedy> remedies = failed.explanation().diagnosis().stream()
                    .flatMap(diagnosis -> diagnosis.remedies().stream())
                    .flatMap(advice -> advice.remedy().stream())
                    .filter(remedy -> workload != null && remedy.changesWorkload() && remedy.appliesTo(workload))
                    .toList();
            return remedies.isEmpty()
                    ? Optional.empty()
                    : Kernels.current()
                            .flatMap(NotebookKernel::comms)
                            .map(new RemedyPanel(workload, remedies, Session::headroom)::show);
        } catch (Throwable broken) {
            return Optional.empty();
        }
    }

    private static Bundle card(Explanation explanation) {
        try {
            return Views.of(explanation);
        } catch (OutOfMemoryError full) {
            return Bundle.text(DiagnosisText.of(explanation.diagnosis().orElseThrow()));
        }
    }

    @Override
    public void passed() {
        Session.current().ended();
        MemoryLimit.settle();
    }

    @Override
    public void ended() {
        CellProgress.endAll();
    }

    @Override
    public void warm() {
        CellProgress.warm();
        Stream.of(
                        new OutOfMemoryError("Java heap space"),
                        new EngineException(
                                "DefaultCPUAllocator: can't allocate memory: you tried to allocate 65536000 bytes."
                                        + " Error code 12 (Cannot allocate memory)"))
                .forEach(each -> Views.of(
                        Failures.explain(new FailedCell("", Failure.of(each))).explanation()));
    }

    @Override
    public Bundle memory(String stage) {
        return ReadingView.of(Session.current().read(stage));
    }

    @Override
    public Object watch(Callable<Object> body, Consumer<Bundle> show) throws Exception {
        return Watch.run("this cell", body, peak -> show.accept(PeakView.of(peak)));
    }
}

package io.headroom;

import io.headroom.kernel.Cells;
import io.headroom.kernel.FailedCell;
import io.headroom.kernel.Imports;
import io.headroom.memory.Watch;
import io.headroom.render.Bundle;
import io.headroom.render.PeakView;
import io.headroom.render.ReadingView;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** The cells as a kernel adapter sees them: imports, how values look, what a failing cell gets. */
public final class NotebookCells implements Cells {
    @Override
    public List<String> imports() {
        return Imports.standard(
                "import static io.headroom.Headroom.*;",
                "import io.headroom.remedy.*;",
                "import io.headroom.training.*;",
                "import io.headroom.units.Bytes;",
                "import io.headroom.workload.*;");
    }

    @Override
    public List<Class<?>> rendered() {
        return Views.types();
    }

    @Override
    public Optional<Bundle> render(Object value) {
        return Views.find(value);
    }

    @Override
    public Optional<Bundle> failed(FailedCell cell) {
        Explanation explanation = Failures.explain(cell);
        if (explanation.diagnosis().isEmpty()) {
            return Optional.empty();
        }
        Session.current().failed(explanation);
        Session.current().read("out of memory");
        return Optional.of(Views.of(explanation));
    }

    @Override
    public Bundle memory(String stage) {
        return ReadingView.of(Session.current().read(stage));
    }

    @Override
    public Object watch(Callable<Object> body, Consumer<Bundle> show) throws Exception {
        return Watch.run("cell", body, peak -> show.accept(PeakView.of(peak)));
    }
}

package io.headroom;

import io.headroom.budget.Estimate;
import io.headroom.budget.Formula;
import io.headroom.kernel.Cells;
import io.headroom.kernel.FailedCell;
import io.headroom.kernel.Imports;
import io.headroom.render.Bundle;
import io.headroom.render.EstimateView;
import io.headroom.render.FormulaView;
import io.headroom.render.MeasurementView;
import io.headroom.training.Measurement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.Function;

/** The cells as a kernel adapter sees them: imports, how values look, what a failing cell gets. */
public final class NotebookCells implements Cells {
    private static final Map<Class<?>, Function<Object, Bundle>> VIEWS = new LinkedHashMap<>();

    static {
        view(Estimate.class, EstimateView::of);
        view(Formula.class, FormulaView::of);
        view(Measurement.class, MeasurementView::of);
    }

    private static <T> void view(Class<T> type, Function<T, Bundle> view) {
        VIEWS.put(type, value -> view.apply(type.cast(value)));
    }

    @Override
    public List<String> imports() {
        return Imports.standard(
                "import static io.headroom.Headroom.*;",
                "import io.headroom.units.Bytes;",
                "import io.headroom.workload.*;");
    }

    @Override
    public List<Class<?>> rendered() {
        return List.copyOf(VIEWS.keySet());
    }

    @Override
    public Optional<Bundle> render(Object value) {
        return VIEWS.entrySet().stream()
                .filter(entry -> entry.getKey().isInstance(value))
                .findFirst()
                .map(entry -> entry.getValue().apply(value));
    }

    @Override
    public Optional<Bundle> failed(FailedCell cell) {
        return Optional.empty();
    }

    @Override
    public Bundle memory(String stage) {
        return Bundle.text(Session.current().read(stage).line());
    }

    @Override
    public Object watch(Callable<Object> body, Consumer<Bundle> show) throws Exception {
        return body.call();
    }
}

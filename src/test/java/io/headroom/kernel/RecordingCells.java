package io.headroom.kernel;

import io.headroom.render.Bundle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** Cells that note what the adapter asks of them. */
public final class RecordingCells implements Cells {
    public record Weight(String name) {}

    public final List<FailedCell> failures = new ArrayList<>();
    public RuntimeException broken;

    @Override
    public List<String> imports() {
        return List.of("import java.nio.file.*;", "import no.such.place.*;", "import io.headroom.units.*;");
    }

    @Override
    public List<Class<?>> rendered() {
        return List.of(Weight.class);
    }

    @Override
    public Optional<Bundle> render(Object value) {
        if (broken != null) {
            throw broken;
        }
        return Optional.of(Bundle.text("weight").html("<b>weight</b>").with("application/x.test+json", Map.of("a", 1)));
    }

    @Override
    public Optional<Bundle> failed(FailedCell cell) {
        if (broken != null) {
            throw broken;
        }
        failures.add(cell);
        return Optional.of(Bundle.text("card: " + cell.failure().type()));
    }

    @Override
    public Bundle memory(String stage) {
        return Bundle.text("memory at " + stage);
    }

    @Override
    public Object watch(Callable<Object> body, Consumer<Bundle> show) throws Exception {
        try {
            return body.call();
        } finally {
            show.accept(Bundle.text("watched"));
        }
    }
}

package io.headroom.kernel;

import io.headroom.render.Bundle;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** A kernel without a library behind it: it runs, and has nothing to add. */
enum NoCells implements Cells {
    INSTANCE;

    @Override
    public List<String> imports() {
        return List.of();
    }

    @Override
    public List<Class<?>> rendered() {
        return List.of();
    }

    @Override
    public Optional<Bundle> render(Object value) {
        return Optional.empty();
    }

    @Override
    public Optional<Bundle> failed(FailedCell cell) {
        return Optional.empty();
    }

    @Override
    public Bundle memory(String stage) {
        throw new IllegalStateException("%memory: no memory reader is on the notebook's class path");
    }

    @Override
    public Object watch(Callable<Object> body, Consumer<Bundle> show) throws Exception {
        return body.call();
    }
}

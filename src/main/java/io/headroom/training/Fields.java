package io.headroom.training;

import ai.djl.training.Trainer;
import java.lang.reflect.Field;
import java.util.Optional;

/** What DJL's objects hold and tell no one; empty where another version of DJL has no such field. */
final class Fields {
    private Fields() {}

    static Optional<Object> optimizer(Trainer trainer) {
        return value(Trainer.class, "parameterStore", trainer)
                .flatMap(store -> value(store.getClass(), "parameterServer", store))
                .flatMap(server -> value(server.getClass(), "optimizer", server));
    }

    static Optional<Object> value(Class<?> type, String name, Object of) {
        try {
            return value(type.getDeclaredField(name), of);
        } catch (ReflectiveOperationException | LinkageError untold) {
            return Optional.empty();
        }
    }

    static Optional<Object> value(Field field, Object of) {
        try {
            field.setAccessible(true);
            return Optional.ofNullable(field.get(of));
        } catch (ReflectiveOperationException | RuntimeException untold) {
            return Optional.empty();
        }
    }
}

package io.headroom.memory;

import ai.djl.engine.Engine;
import ai.djl.ndarray.BaseNDManager;
import ai.djl.ndarray.NDManager;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** DJL's private fields: the engine if one runs, its root manager, and what a manager holds. */
final class ManagerTree {
    private static final Optional<Field> RESOURCES = field(BaseNDManager.class.getName(), "resources");
    /** What {@code tempAttach} brought: it goes back to its own manager when this one closes. */
    private static final Optional<Field> LENT = field(BaseNDManager.class.getName(), "tempResources");

    private static final Optional<Field> LENT_RESOURCE =
            field(BaseNDManager.class.getName() + "$TempResource", "resource");
    private static final Optional<Field> NAME = field(BaseNDManager.class.getName(), "name");
    private static volatile Optional<NDManager> root = Optional.empty();

    private ManagerTree() {}

    /** The running PyTorch engine; starts none. */
    static Optional<Engine> engine() {
        try {
            Optional<Field> engine = field("ai.djl.pytorch.engine.PtEngineProvider", "engine");
            return engine.isPresent() && engine.get().get(null) instanceof Engine running
                    ? Optional.of(running)
                    : Optional.empty();
        } catch (ReflectiveOperationException | RuntimeException e) {
            return Optional.empty();
        }
    }

    /** The manager above all others, once an engine runs; none where DJL does not tell what a manager holds. */
    static Optional<NDManager> root() {
        if (root.isEmpty() && RESOURCES.isPresent()) {
            try {
                Optional<Engine> engine = engine();
                if (engine.isPresent()) {
                    try (NDManager base = engine.get().newBaseManager()) {
                        root = Optional.ofNullable(base.getParentManager());
                    }
                }
            } catch (RuntimeException e) {
                return Optional.empty();
            }
        }
        return root;
    }

    /** The name a manager was given, {@code ""} if none was. */
    static String name(BaseNDManager manager) {
        return get(NAME, manager) instanceof String given ? given : "";
    }

    /** Arrays and managers that a manager holds at this moment, for a time or until it closes. */
    static List<AutoCloseable> resources(BaseNDManager manager) {
        List<AutoCloseable> found = new ArrayList<>();
        values(RESOURCES, manager).forEach(value -> add(value, found));
        values(LENT, manager).forEach(value -> add(get(LENT_RESOURCE, value), found));
        return found;
    }

    private static void add(Object value, List<AutoCloseable> found) {
        if (value instanceof AutoCloseable resource) {
            found.add(resource);
        }
    }

    private static Collection<?> values(Optional<Field> field, BaseNDManager manager) {
        return get(field, manager) instanceof Map<?, ?> map ? map.values() : List.of();
    }

    private static Object get(Optional<Field> field, Object of) {
        try {
            return field.isPresent() ? field.get().get(of) : null;
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null;
        }
    }

    private static Optional<Field> field(String type, String name) {
        try {
            Field field = Class.forName(type).getDeclaredField(name);
            field.setAccessible(true);
            return Optional.of(field);
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            return Optional.empty();
        }
    }
}

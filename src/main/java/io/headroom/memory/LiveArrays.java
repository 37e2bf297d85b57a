package io.headroom.memory;

import ai.djl.engine.Engine;
import ai.djl.ndarray.BaseNDManager;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The open NDArrays of this process by NDManager: the tree DJL keeps, summed.
 *
 * <p>An upper estimate of tensor bytes: views that share storage with another array count again. Walking the tree
 * changes nothing and may run while other threads make and close arrays.
 *
 * @param managers one entry for each manager that holds arrays itself, largest first
 */
public record LiveArrays(List<Manager> managers) {

    /**
     * One NDManager's own arrays.
     *
     * @param name the manager's name, or its uid
     * @param count open arrays
     * @param bytes sum of shape × data type
     * @param shapes how many of each shape, {@code "(1600, 80, 128) float32"} → 2, largest bytes first
     */
    public record Manager(String name, int count, long bytes, Map<String, Integer> shapes) {
        public Manager {
            shapes = Collections.unmodifiableMap(new LinkedHashMap<>(shapes));
        }
    }

    public LiveArrays {
        managers = List.copyOf(managers);
    }

    /** Bytes over all managers. */
    public long bytes() {
        return managers.stream().mapToLong(Manager::bytes).sum();
    }

    /** Open arrays over all managers. */
    public int count() {
        return managers.stream().mapToInt(Manager::count).sum();
    }

    /** The arrays of the running PyTorch engine; empty if none was started yet (this starts none). */
    public static Optional<LiveArrays> now() {
        return Root.find().map(LiveArrays::of);
    }

    /** The arrays of a manager and of all below it. */
    public static LiveArrays of(NDManager top) {
        List<Manager> found = new ArrayList<>();
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        walk(top, seen, found);
        found.sort(Comparator.comparingLong(Manager::bytes).reversed());
        return new LiveArrays(found);
    }

    /** The open arrays a manager and those below it hold. */
    public static List<NDArray> arrays(NDManager top) {
        List<NDArray> found = new ArrayList<>();
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        collect(top, seen, found);
        return found;
    }

    private static void collect(NDManager manager, Set<Object> seen, List<NDArray> found) {
        if (manager instanceof BaseNDManager base && seen.add(manager)) {
            for (AutoCloseable resource : Root.resources(base)) {
                if (resource instanceof NDManager below) {
                    collect(below, seen, found);
                } else if (resource instanceof NDArray array) {
                    found.add(array);
                }
            }
        }
    }

    private record Kind(Shape shape, DataType type) {
        @Override
        public String toString() {
            return shape + " " + type.name().toLowerCase(Locale.ROOT);
        }
    }

    private static void walk(NDManager manager, Set<Object> seen, List<Manager> found) {
        if (!(manager instanceof BaseNDManager base) || !seen.add(manager)) {
            return;
        }
        int count = 0;
        long bytes = 0;
        Map<Kind, long[]> shapes = new HashMap<>();
        for (AutoCloseable resource : Root.resources(base)) {
            if (resource instanceof NDManager below) {
                walk(below, seen, found);
            } else if (resource instanceof NDArray array) {
                try {
                    Shape shape = array.getShape();
                    DataType type = array.getDataType();
                    long size = Math.max(0, shape.size()) * type.getNumOfBytes();
                    count++;
                    bytes += size;
                    long[] entry = shapes.computeIfAbsent(new Kind(shape, type), key -> new long[2]);
                    entry[0]++;
                    entry[1] += size;
                } catch (RuntimeException e) {
                    // closed by its owner while this walk passed
                    continue;
                }
            }
        }
        if (count > 0) {
            Map<String, Integer> ordered = new LinkedHashMap<>();
            shapes.entrySet().stream()
                    .sorted(Comparator.comparingLong((Map.Entry<Kind, long[]> entry) -> -entry.getValue()[1])
                            .thenComparing(entry -> entry.getKey().toString()))
                    .forEach(entry -> ordered.put(entry.getKey().toString(), (int) entry.getValue()[0]));
            found.add(new Manager(Root.name(base), count, bytes, ordered));
        }
    }

    /** DJL's private fields: the engine if one runs, and what a manager holds. */
    private static final class Root {
        private static final Optional<Field> RESOURCES = field(BaseNDManager.class.getName(), "resources");
        private static volatile Optional<NDManager> system = Optional.empty();

        static Optional<NDManager> find() {
            if (system.isEmpty()) {
                try {
                    Optional<Field> engine = field("ai.djl.pytorch.engine.PtEngineProvider", "engine");
                    if (engine.isPresent() && engine.get().get(null) instanceof Engine running) {
                        try (NDManager base = running.newBaseManager()) {
                            system = Optional.ofNullable(base.getParentManager());
                        }
                    }
                } catch (ReflectiveOperationException | RuntimeException e) {
                    return Optional.empty();
                }
            }
            return system;
        }

        static Iterable<AutoCloseable> resources(BaseNDManager manager) {
            List<AutoCloseable> found = new ArrayList<>();
            if (RESOURCES.isPresent()) {
                try {
                    if (RESOURCES.get().get(manager) instanceof Map<?, ?> resources) {
                        resources.values().forEach(value -> {
                            if (value instanceof AutoCloseable resource) {
                                found.add(resource);
                            }
                        });
                    }
                } catch (ReflectiveOperationException e) {
                    return found;
                }
            }
            return found;
        }

        static String name(BaseNDManager manager) {
            return manager.getName();
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
}

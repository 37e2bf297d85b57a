package io.headroom.memory;

import ai.djl.ndarray.BaseNDManager;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.headroom.memory.TensorHeaders.Header;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The open NDArrays of this process by NDManager: the tree DJL keeps, summed.
 *
 * <p>On Linux a storage that several arrays share (a view and what it was taken from) counts once, whole, for the
 * outermost manager that reaches it; walking the tree calls nothing in libtorch and may run while other threads make and
 * close arrays. On other systems views count again and sizes are asked of the engine, on the caller's thread only.
 *
 * @param managers one entry for each manager that holds arrays itself, largest first
 */
public record LiveArrays(List<Manager> managers) {

    /**
     * One NDManager's own arrays.
     *
     * @param name the manager's name, or its uid
     * @param count open arrays, views too
     * @param bytes of their storage
     * @param shapes how many of each shape, {@code "(1600, 80, 128) float32"} → 2, largest bytes first
     */
    public record Manager(String name, int count, long bytes, Map<String, Integer> shapes) {
        public Manager {
            shapes = Collections.unmodifiableMap(new LinkedHashMap<>(shapes));
        }

        /** Both as one: several managers may have the same name. */
        Manager plus(Manager other) {
            Map<String, Integer> both = new LinkedHashMap<>(shapes);
            other.shapes.forEach((shape, many) -> both.merge(shape, many, Integer::sum));
            return new Manager(name, count + other.count, bytes + other.bytes, both);
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

    /** Whether a PyTorch engine runs; starts none. */
    public static boolean engineRuns() {
        return ManagerTree.engine().isPresent();
    }

    /** The arrays of the running PyTorch engine; empty if none was started yet (this starts none). */
    public static Optional<LiveArrays> now() {
        return now(true);
    }

    /** The same; where sizes cannot be read but by asking the engine, only if that is allowed. */
    static Optional<LiveArrays> now(boolean ask) {
        return ManagerTree.root().map(top -> {
            ArraySizes sizes = new ArraySizes(ask);
            LiveArrays live = of(top, sizes);
            sizes.publish();
            return live;
        });
    }

    /** The same, made of an earlier one's parts where they are equal, so that a long timeline holds each once. */
    LiveArrays sharing(LiveArrays earlier) {
        Map<String, Manager> parts = new HashMap<>();
        earlier.managers.forEach(manager -> parts.put(manager.name(), manager));
        List<Manager> shared = managers.stream()
                .map(manager -> manager.equals(parts.get(manager.name())) ? parts.get(manager.name()) : manager)
                .toList();
        return shared.equals(earlier.managers) ? earlier : new LiveArrays(shared);
    }

    /** The arrays of a manager and of all below it. */
    public static LiveArrays of(NDManager top) {
        return of(top, new ArraySizes(true));
    }

    /** Bytes that these arrays hold together; closed ones hold none. */
    public static long bytes(Iterable<NDArray> arrays) {
        ArraySizes sizes = new ArraySizes(true);
        long bytes = 0;
        for (NDArray array : arrays) {
            bytes += sizes.of(array).map(sizes::bytes).orElse(0L);
        }
        return bytes;
    }

    /** The open arrays a manager and those below it hold. */
    public static List<NDArray> arrays(NDManager top) {
        List<NDArray> found = new ArrayList<>();
        collect(top, identities(), found);
        return found;
    }

    private static LiveArrays of(NDManager top, ArraySizes sizes) {
        List<Manager> found = new ArrayList<>();
        walk(top, identities(), sizes, found);
        found.sort(Comparator.comparingLong(Manager::bytes).reversed());
        return new LiveArrays(found);
    }

    private static void collect(NDManager manager, Set<Object> seen, List<NDArray> found) {
        if (manager instanceof BaseNDManager base && seen.add(manager)) {
            for (AutoCloseable resource : ManagerTree.resources(base)) {
                if (resource instanceof NDManager below) {
                    collect(below, seen, found);
                } else if (resource instanceof NDArray array) {
                    found.add(array);
                }
            }
        }
    }

    private static void walk(NDManager manager, Set<Object> seen, ArraySizes sizes, List<Manager> found) {
        if (!(manager instanceof BaseNDManager base) || !seen.add(manager)) {
            return;
        }
        Shapes shapes = new Shapes();
        List<NDManager> below = new ArrayList<>();
        for (AutoCloseable resource : ManagerTree.resources(base)) {
            if (resource instanceof NDManager inner) {
                below.add(inner);
            } else if (resource instanceof NDArray array) {
                sizes.of(array).ifPresent(header -> shapes.add(header, sizes.bytes(header)));
            }
        }
        if (shapes.count > 0) {
            found.add(new Manager(base.getName(), shapes.count, shapes.bytes, shapes.ordered()));
        }
        below.forEach(inner -> walk(inner, seen, sizes, found));
    }

    private static Set<Object> identities() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /** One manager's arrays while they are counted. */
    private static final class Shapes {
        private final Map<String, long[]> kinds = new HashMap<>();
        private int count;
        private long bytes;

        void add(Header header, long size) {
            count++;
            bytes += size;
            long[] entry = kinds.computeIfAbsent(header.label(), label -> new long[2]);
            entry[0]++;
            entry[1] += size;
        }

        Map<String, Integer> ordered() {
            Map<String, Integer> ordered = new LinkedHashMap<>();
            kinds.entrySet().stream()
                    .sorted(Comparator.comparingLong((Map.Entry<String, long[]> entry) -> -entry.getValue()[1])
                            .thenComparing(Map.Entry::getKey))
                    .forEach(entry -> ordered.put(entry.getKey(), (int) entry.getValue()[0]));
            return ordered;
        }
    }
}

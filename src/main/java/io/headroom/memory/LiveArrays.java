package io.headroom.memory;

import ai.djl.ndarray.BaseNDManager;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.util.NativeResource;
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
 * close arrays. On other systems there is no way but to ask the engine, which ends the JVM if another thread closes that
 * array at the same moment: arrays are absent there, unless {@code System.setProperty("headroom.arrays", "ask")} says that
 * none does. Then views count again, and only the caller's thread asks.
 *
 * @param managers one entry for all managers of a name that hold arrays themselves, and one for all without a name below
 *     the same named one, such as a batch for each step; largest first
 */
public record LiveArrays(List<Manager> managers) {

    /**
     * The arrays that NDManagers of one name hold themselves.
     *
     * @param name the managers' name; of those without, the nearest name above them, {@code ""} if there is none
     * @param unnamed whether they have no name of their own
     * @param managers how many they are
     * @param count open arrays, views too
     * @param bytes of their storage
     * @param shapes how many of each shape, {@code "(1600, 80, 128) float32"} → 2, largest bytes first; of the readings that a
     *     {@link Timeline} keeps, but for its newest, the 16 of the most bytes
     */
    public record Manager(
            String name, boolean unnamed, int managers, int count, long bytes, Map<String, Integer> shapes) {
        public Manager {
            shapes = Collections.unmodifiableMap(new LinkedHashMap<>(shapes));
        }

        /** How many arrays are of shapes that {@link #shapes} leaves out; bytes and count are always of all. */
        public int others() {
            return count - shapes.values().stream().mapToInt(Integer::intValue).sum();
        }

        /** With the shapes of the most bytes alone. */
        Manager thinned() {
            if (shapes.size() <= SHAPES) {
                return this;
            }
            Map<String, Integer> most = new LinkedHashMap<>();
            shapes.entrySet().stream().limit(SHAPES).forEach(shape -> most.put(shape.getKey(), shape.getValue()));
            return new Manager(name, unnamed, managers, count, bytes, most);
        }

        /** {@code manager "trainer"}, {@code 3 managers "batch"} or {@code 40 unnamed managers below "trainer"}. */
        public String label() {
            return (managers == 1 ? "" : managers + " ") + kind() + (managers == 1 ? "" : "s") + place();
        }

        String place() {
            return name.isEmpty() ? "" : (unnamed ? " below \"" : " \"") + name + '"';
        }

        String kind() {
            return unnamed ? "unnamed manager" : "manager";
        }

        /** What it has in common with itself in another reading. */
        String key() {
            return kind() + place();
        }
    }

    private static final int SHAPES = 16;

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

    /** The same; where sizes cannot be read but by asking the engine, this thread asks only with {@code ask}. */
    static Optional<LiveArrays> now(boolean ask) {
        return ManagerTree.root().flatMap(top -> {
            ArraySizes sizes = new ArraySizes(ask);
            Optional<LiveArrays> live = known(top, sizes);
            sizes.publish();
            return live;
        });
    }

    /** Absent where sizes of arrays that any thread may close cannot be known. */
    static Optional<LiveArrays> known(NDManager top, ArraySizes sizes) {
        return sizes.known() ? Optional.of(of(top, sizes)) : Optional.empty();
    }

    /** The same with bounded lists of shapes, as a long timeline keeps it. */
    LiveArrays thinned() {
        return managers.stream().allMatch(manager -> manager.shapes().size() <= SHAPES)
                ? this
                : new LiveArrays(managers.stream().map(Manager::thinned).toList());
    }

    /** The same, made of an earlier one's parts where they are equal, so that a long timeline holds each once. */
    LiveArrays sharing(LiveArrays earlier) {
        Map<Manager, Manager> parts = new HashMap<>();
        earlier.managers.forEach(manager -> parts.put(manager, manager));
        List<Manager> shared = managers.stream()
                .map(manager -> parts.getOrDefault(manager, manager))
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

    /** Whether an array is open. */
    public static boolean isOpen(NDArray array) {
        return !(array instanceof NativeResource<?> resource && resource.isReleased());
    }

    /** The open arrays a manager and those below it hold. */
    public static List<NDArray> arrays(NDManager top) {
        List<NDArray> found = new ArrayList<>();
        collect(top, identities(), found);
        return found;
    }

    /** The open managers of the running PyTorch engine, outermost first; none if no engine runs. */
    public static List<NDManager> openManagers() {
        List<NDManager> found = new ArrayList<>();
        ManagerTree.root().ifPresent(top -> managers(top, identities(), found));
        return found;
    }

    private static void managers(NDManager manager, Set<Object> seen, List<NDManager> found) {
        if (manager instanceof BaseNDManager base && seen.add(manager)) {
            found.add(manager);
            for (AutoCloseable resource : ManagerTree.resources(base)) {
                if (resource instanceof NDManager below) {
                    managers(below, seen, found);
                }
            }
        }
    }

    private static LiveArrays of(NDManager top, ArraySizes sizes) {
        Map<Group, Shapes> groups = new LinkedHashMap<>();
        walk(top, "", identities(), sizes, groups);
        List<Manager> found = new ArrayList<>();
        groups.forEach((group, shapes) -> found.add(shapes.of(group)));
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

    private static void walk(
            NDManager manager, String above, Set<Object> seen, ArraySizes sizes, Map<Group, Shapes> groups) {
        if (!(manager instanceof BaseNDManager base) || !seen.add(manager)) {
            return;
        }
        String own = ManagerTree.name(base);
        List<NDManager> below = new ArrayList<>();
        Shapes shapes = null;
        for (AutoCloseable resource : ManagerTree.resources(base)) {
            if (resource instanceof NDManager inner) {
                below.add(inner);
            } else if (resource instanceof NDArray array) {
                Optional<Header> header = sizes.of(array);
                if (header.isPresent()) {
                    if (shapes == null) {
                        shapes = groups.computeIfAbsent(
                                new Group(own.isEmpty() ? above : own, own.isEmpty()), group -> new Shapes());
                        shapes.managers++;
                    }
                    shapes.add(header.get(), sizes.bytes(header.get()));
                }
            }
        }
        below.forEach(inner -> walk(inner, own.isEmpty() ? above : own, seen, sizes, groups));
    }

    private static Set<Object> identities() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    private record Group(String name, boolean unnamed) {}

    /** One group's arrays while they are counted. */
    private static final class Shapes {
        private final Map<String, long[]> kinds = new HashMap<>();
        private int managers;
        private int count;
        private long bytes;

        void add(Header header, long size) {
            count++;
            bytes += size;
            long[] entry = kinds.computeIfAbsent(header.label(), label -> new long[2]);
            entry[0]++;
            entry[1] += size;
        }

        Manager of(Group group) {
            return new Manager(group.name(), group.unnamed(), managers, count, bytes, ordered());
        }

        private Map<String, Integer> ordered() {
            Map<String, Integer> ordered = new LinkedHashMap<>();
            kinds.entrySet().stream()
                    .sorted(Comparator.comparingLong((Map.Entry<String, long[]> entry) -> -entry.getValue()[1])
                            .thenComparing(Map.Entry::getKey))
                    .forEach(entry -> ordered.put(entry.getKey(), (int) entry.getValue()[0]));
            return ordered;
        }
    }
}

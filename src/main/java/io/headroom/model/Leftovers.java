package io.headroom.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.Reading;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.regex.Pattern;

/**
 * What a statement that failed left open: managers that nobody closed on the way out (a batch's, with all that its forward
 * pass made) and the arrays that it put into variables it names.
 *
 * <p>Only what was opened since the last statement that passed counts. What models, trainers and other variables refer to
 * is never among it, so that releasing it leaves them usable.
 *
 * <pre>{@code
 * Leftovers.Mark mark = Leftovers.mark();             // after each statement that passed
 * Leftovers left = Leftovers.since(mark, cell, variables);
 * left.bytes();
 * left.release(variables).returned();                 // what came back
 * }</pre>
 *
 * <p>Not for several threads at once.
 */
public final class Leftovers {
    /** Lists in lists. */
    private static final int DEEPEST = 3;

    private final List<NDManager> managers;
    private final List<NDArray> arrays;
    private final long bytes;

    /** What was open at one moment; keeps nothing of it alive. */
    public static final class Mark {
        private final Set<NDManager> managers = Collections.newSetFromMap(new WeakHashMap<>());
        private final Set<String> arrays = new HashSet<>();

        private Mark() {}
    }

    private Leftovers(List<NDManager> managers, List<NDArray> arrays) {
        this.managers = managers;
        this.arrays = arrays;
        Set<NDArray> all = Collections.newSetFromMap(new IdentityHashMap<>());
        all.addAll(arrays);
        managers.forEach(manager -> all.addAll(LiveArrays.arrays(manager)));
        this.bytes = LiveArrays.bytes(all);
    }

    /** Notes what is open now. */
    public static Mark mark() {
        Mark mark = new Mark();
        List<NDManager> open = LiveArrays.openManagers();
        mark.managers.addAll(open);
        if (!open.isEmpty()) {
            LiveArrays.arrays(open.get(0)).forEach(array -> mark.arrays.add(array.getUid()));
        }
        return mark;
    }

    /** What was opened after the mark by the statement {@code code}, which failed. */
    public static Leftovers since(Mark mark, String code, List<Variable> variables) {
        List<NDManager> open = LiveArrays.openManagers();
        if (open.isEmpty()) {
            return new Leftovers(List.of(), List.of());
        }
        Set<Object> kept = Collections.newSetFromMap(new IdentityHashMap<>());
        boolean whole = true;
        for (Variable variable : variables) {
            whole &= keep(variable.value(), names(code, variable.name()) ? DEEPEST : 0, kept);
        }
        for (LoadedModel model : Models.loaded()) {
            Optional<Set<Object>> referred = Holders.referred(model);
            whole &= referred.isPresent();
            referred.ifPresent(kept::addAll);
        }
        if (!whole) {
            return new Leftovers(List.of(), List.of());
        }
        List<NDManager> orphans = orphans(open, mark, kept);
        return new Leftovers(orphans, loose(open, orphans, mark, kept));
    }

    private static List<NDManager> orphans(List<NDManager> open, Mark mark, Set<Object> kept) {
        Set<Object> needed = Collections.newSetFromMap(new IdentityHashMap<>());
        for (NDManager manager : open) {
            boolean root = manager == open.get(0);
            if (root || mark.managers.contains(manager) || kept.contains(manager)) {
                for (NDManager up = manager; up != null && needed.add(up); ) {
                    up = up.getParentManager();
                }
            }
        }
        List<NDManager> orphans = new ArrayList<>();
        for (NDManager manager : open) {
            boolean below = false;
            for (NDManager up = manager.getParentManager(); up != null && !below; up = up.getParentManager()) {
                below = orphans.contains(up) || (kept.contains(up) && !mark.managers.contains(up));
            }
            boolean used = LiveArrays.arrays(manager).stream().anyMatch(kept::contains);
            if (!needed.contains(manager) && !below && !used) {
                orphans.add(manager);
            }
        }
        return orphans;
    }

    /** New arrays in managers that were open before. */
    private static List<NDArray> loose(List<NDManager> open, List<NDManager> orphans, Mark mark, Set<Object> kept) {
        Set<NDArray> closing = Collections.newSetFromMap(new IdentityHashMap<>());
        for (NDManager manager : open) {
            if (orphans.contains(manager) || (kept.contains(manager) && !mark.managers.contains(manager))) {
                closing.addAll(LiveArrays.arrays(manager));
            }
        }
        return LiveArrays.arrays(open.get(0)).stream()
                .filter(array -> !mark.arrays.contains(array.getUid()))
                .filter(array -> !kept.contains(array) && !closing.contains(array))
                .toList();
    }

    /** Keeps what a value refers to, but not the arrays that lie in it or in its collections, so many deep; false if there is too much. */
    private static boolean keep(Object value, int deep, Set<Object> kept) {
        if (deep > 0) {
            if (value instanceof NDArray || value instanceof NDManager) {
                return true;
            }
            Collection<?> items = value instanceof Collection<?> collection
                    ? collection
                    : value instanceof Map<?, ?> map
                            ? map.values()
                            : value instanceof Object[] array ? Arrays.asList(array) : null;
            if (items != null) {
                return items.stream().allMatch(item -> keep(item, deep - 1, kept));
            }
        }
        Optional<Set<Object>> referred = Holders.referred(value);
        referred.ifPresent(kept::addAll);
        return referred.isPresent();
    }

    private static boolean names(String code, String variable) {
        return Pattern.compile("(?<![\\w$])" + Pattern.quote(variable) + "(?![\\w$])")
                .matcher(code)
                .find();
    }

    /** Bytes of the arrays left open; storage that several share counts once. */
    public long bytes() {
        return bytes;
    }

    /** Closes it, cleans up and tells what came back; a second time there is nothing left to close. */
    public ReleaseReport release(List<Variable> variables) {
        Reading before = Reading.now();
        managers.forEach(NDManager::close);
        arrays.forEach(NDArray::close);
        Cleanup.now();
        return new ReleaseReport(
                "what the failed cell held",
                OptionalLong.empty(),
                before,
                Reading.now("after releasing what the failed cell held"),
                Holders.find(variables));
    }
}

package io.headroom.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.Reading;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * What a statement that failed left open: managers that nobody closed on the way out (a batch's, with all that its forward
 * pass made) and the arrays that it put into lists, maps and arrays it names.
 *
 * <p>Only what was opened since the mark counts. What models, trainers and other variables refer to is never among it, nor
 * a variable that is an NDArray itself; what variables took since the failure stays too. Where it cannot be seen what is in
 * use, nothing is closed and the reason is told: while another thread runs code of the notebook's or of a jar's, and where a
 * variable leads to a future that is not done, a running thread, an executor at work or a ThreadLocal. An iterator, an
 * enumeration, a stream or a function of the platform's ({@code first.andThen(second)}) is looked into where the JVM runs with
 * {@code --add-opens=java.base/java.util=ALL-UNNAMED}, and so for {@code java.util.function} and {@code java.util.stream}, as
 * Headroom's kernels do; elsewhere it hinders too, but for those that hold nothing ({@code Function.identity()},
 * {@code StringTokenizer}) and a {@code Comparator.comparing(…)}. Static fields of a jar's classes are seen where a variable
 * leads to an object of that class, or of one nested in it.
 *
 * <pre>{@code
 * Leftovers.Mark mark = Leftovers.mark();             // after each statement
 * Leftovers left = Leftovers.since(mark, cell, variables);
 * left.bytes();
 * left.release(variables).returned();                 // what came back
 * }</pre>
 *
 * <p>Not for several threads at once.
 */
public final class Leftovers {
    private final String code;
    private final Set<NDManager> managers = identities();
    private final Set<NDArray> arrays = identities();
    private final Set<String> names = new LinkedHashSet<>();
    private String untold;

    /** What was open at one moment; keeps nothing of it alive. */
    public static final class Mark {
        private final Set<NDManager> managers = Collections.newSetFromMap(new WeakHashMap<>());
        private final Set<String> arrays = new HashSet<>();

        private Mark() {}
    }

    private Leftovers(String code) {
        this.code = code;
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
        Leftovers left = new Leftovers(code);
        List<NDManager> open = LiveArrays.openManagers();
        if (open.isEmpty()) {
            return left;
        }
        Kept kept = Kept.of(code, variables);
        left.untold = kept.untold().orElse(null); // what is in use is asked again when it is to be released
        left.orphans(open, mark, kept.objects());
        left.loose(open, mark, kept.objects());
        left.name(variables);
        return left;
    }

    private void orphans(List<NDManager> open, Mark mark, Set<Object> kept) {
        Set<Object> needed = needed(kept);
        for (NDManager manager : open) {
            if (manager == open.get(0) || mark.managers.contains(manager)) {
                need(manager, needed);
            }
        }
        Set<NDManager> below = identities();
        for (NDManager manager : open) {
            NDManager up = manager.getParentManager();
            boolean under = up != null
                    && (below.contains(up)
                            || managers.contains(up)
                            || (kept.contains(up) && !mark.managers.contains(up)));
            if (under) {
                below.add(manager);
            } else if (!needed.contains(manager)) {
                managers.add(manager);
            }
        }
    }

    /** New arrays in managers that were open before. */
    private void loose(List<NDManager> open, Mark mark, Set<Object> kept) {
        Set<NDArray> elsewhere = identities();
        for (NDManager manager : open) {
            if (managers.contains(manager) || (kept.contains(manager) && !mark.managers.contains(manager))) {
                elsewhere.addAll(LiveArrays.arrays(manager));
            }
        }
        LiveArrays.arrays(open.get(0)).stream()
                .filter(array -> !mark.arrays.contains(array.getUid()))
                .filter(array -> !kept.contains(array) && !elsewhere.contains(array))
                .forEach(arrays::add);
    }

    private void name(List<Variable> variables) {
        Set<NDArray> all = all();
        for (Variable variable : variables) {
            if (Kept.names(code, variable.name())
                    && Holders.see(variable.value()).objects().stream()
                            .anyMatch(each -> all.contains(each) || managers.contains(each))) {
                names.add(variable.name());
            }
        }
    }

    /** The managers that must stay open for what is kept, with those above them. */
    private static Set<Object> needed(Set<Object> kept) {
        Set<Object> needed = identities();
        for (Object each : kept) {
            if (each instanceof NDManager manager) {
                need(manager, needed);
            } else if (each instanceof NDArray array && LiveArrays.isOpen(array)) {
                need(array.getManager(), needed);
            }
        }
        return needed;
    }

    private static void need(NDManager manager, Set<Object> needed) {
        for (NDManager up = manager; up != null && needed.add(up); ) {
            up = up.getParentManager();
        }
    }

    private Set<NDArray> all() {
        Set<NDArray> all = identities();
        arrays.stream().filter(LiveArrays::isOpen).forEach(all::add);
        managers.stream().filter(NDManager::isOpen).forEach(manager -> all.addAll(LiveArrays.arrays(manager)));
        return all;
    }

    private static <T> Set<T> identities() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /** These and those of another statement. */
    public Leftovers and(Leftovers other) {
        Leftovers both = new Leftovers(code + "\n" + other.code);
        for (Leftovers each : List.of(this, other)) {
            both.managers.addAll(each.managers);
            both.arrays.addAll(each.arrays);
            both.names.addAll(each.names);
            both.untold = each.untold == null ? both.untold : each.untold;
        }
        return both;
    }

    /** Bytes of these arrays that are open now; storage that several share counts once; 0 where it is {@link #untold}. */
    public long bytes() {
        return untold == null ? LiveArrays.bytes(all()) : 0;
    }

    /** Whether none of it is open any more. */
    public boolean isEmpty() {
        return all().isEmpty();
    }

    /** The variables named in the statement whose lists, maps or managers hold some of it. */
    public List<String> names() {
        return List.copyOf(names);
    }

    /** Why it could not be told when the statement failed what it left open; empty where it could. */
    public Optional<String> untold() {
        return Optional.ofNullable(untold);
    }

    /**
     * Closes it but for what variables hold by now, cleans up and tells what came back; a second time there is nothing left
     * to close.
     *
     * @throws IllegalStateException if what is in use by now cannot be seen, with the thread or variable that hides it; nothing
     *     is closed then, and it can be asked for again
     */
    public ReleaseReport release(List<Variable> variables) {
        Kept kept = Kept.of(code, variables);
        kept.untold().ifPresent(why -> {
            throw new IllegalStateException("Nothing was closed, for it might be in use: " + why);
        });
        untold = null;
        Reading before = Reading.now();
        close(kept.objects());
        Cleanup.now();
        return new ReleaseReport(
                "what the failed cell held",
                OptionalLong.empty(),
                before,
                Reading.now("after releasing what the failed cell held"),
                Holders.find(variables));
    }

    private void close(Set<Object> kept) {
        Set<Object> needed = needed(kept);
        Set<NDManager> partly = identities();
        for (NDManager manager : LiveArrays.openManagers()) {
            if ((managers.contains(manager) || partly.contains(manager.getParentManager()))
                    && !kept.contains(manager)) {
                if (needed.contains(manager)) {
                    partly.add(manager);
                } else {
                    manager.close();
                }
            }
        }
        for (NDManager manager : partly) {
            LiveArrays.arrays(manager).stream()
                    .filter(array -> array.getManager() == manager && !kept.contains(array))
                    .forEach(NDArray::close);
        }
        arrays.stream().filter(array -> !kept.contains(array)).forEach(NDArray::close);
    }
}

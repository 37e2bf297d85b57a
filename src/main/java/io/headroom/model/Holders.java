package io.headroom.model;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.headroom.memory.LiveArrays;
import java.lang.ref.Reference;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Finds the notebook variables that keep NDArrays open: directly, in lists, maps and arrays, in models, managers and
 * blocks, and in fields of the user's own objects.
 *
 * <p>Nothing is called but DJL's getters and collections' own walk; any other {@code Iterable} (a data set's batches) is
 * not iterated, which would use it up. Fields are read, never set. The search stops after {@value #MOST} objects for
 * each variable, and what it found until then is told as "at least"; numbers, text, arrays of them and records of those
 * are not among these.
 *
 * <pre>{@code
 * Holders.find(List.of(new Variable("years", "NDList", years)));
 * }</pre>
 */
public final class Holders {
    private static final int MOST = 200_000;

    /** What to say where {@link #referred} is empty. */
    static final String TOO_MUCH = " refers to more than " + MOST + " objects that may hold arrays.";

    /** The fields of a class that may lead to an array. */
    private static final ClassValue<List<Field>> FIELDS = new ClassValue<>() {
        @Override
        protected List<Field> computeValue(Class<?> type) {
            return fieldsOf(type);
        }
    };

    /** Classes whose static fields hold what every notebook has: engines, and what this library keeps. */
    private static final List<String> NO_STATICS = List.of("ai.djl.", "io.headroom.");

    private static final List<String> PLAIN = List.of(
            "java.",
            "javax.",
            "jdk.",
            "sun.",
            "ai.djl.metric.",
            "io.headroom.memory.",
            "org.slf4j.",
            "ch.qos.logback.",
            "org.apache.logging.");

    private static final List<Class<?>> HOLDERS = List.of(
            NDArray.class,
            NDManager.class,
            LoadedModel.class,
            Model.class,
            Block.class,
            Parameter.class,
            Collection.class,
            Map.class,
            Map.Entry.class,
            Optional.class,
            AtomicReference.class,
            AtomicReferenceArray.class,
            Reference.class,
            Future.class);

    private Holders() {}

    /** The variables that reach open arrays or a loaded model, largest first. */
    public static List<Holder> find(List<Variable> variables) {
        return find(variables, Set.of(), false);
    }

    /** The same without what belongs to models that are still loaded: those are meant to hold it. */
    static List<Holder> findBeside(List<Variable> variables, List<LoadedModel> loaded) {
        Set<NDArray> owned = Collections.newSetFromMap(new IdentityHashMap<>());
        for (LoadedModel model : loaded) {
            try {
                owned.addAll(reach(model).arrays());
            } catch (IllegalStateException e) {
                continue; // released by another thread meanwhile
            }
        }
        return find(variables, owned, true);
    }

    private static List<Holder> find(List<Variable> variables, Set<NDArray> owned, boolean beside) {
        List<Holder> found = new ArrayList<>();
        for (Variable variable : variables) {
            try {
                Reach reach = reach(variable.value());
                Set<NDArray> arrays = reach.arrays();
                arrays.removeAll(owned);
                long bytes = LiveArrays.bytes(arrays);
                if (!beside && variable.value() instanceof LoadedModel model && !model.isReleased()) {
                    bytes = Math.max(bytes, model.weights().orElse(model.added().orElse(0)));
                }
                if (!arrays.isEmpty() || bytes > 0) {
                    found.add(new Holder(variable.name(), simple(variable.type()), arrays.size(), bytes, reach.cut()));
                }
            } catch (RuntimeException | StackOverflowError e) {
                // a user's collection that throws holds nothing we can name
                continue;
            }
        }
        found.sort(Comparator.comparingLong(Holder::bytes).reversed());
        return found;
    }

    /** A type as a notebook writes it: without its packages. */
    private static String simple(String type) {
        return type.replaceAll("\\b(?:[a-z_]\\w*\\.)+", "");
    }

    /** The open arrays that were found, and whether not all was looked through. */
    private record Reach(Set<NDArray> arrays, boolean cut) {}

    private static Reach reach(Object root) {
        Set<NDArray> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Object> next = new ArrayDeque<>();
        push(next, root);
        while (!next.isEmpty() && seen.size() < MOST) {
            Object each = next.pop();
            if (seen.add(each)) {
                if (each instanceof NDArray array) {
                    if (LiveArrays.isOpen(array)) {
                        arrays.add(array);
                    }
                } else {
                    expand(each, next);
                }
            }
        }
        next.removeIf(seen::contains);
        return new Reach(arrays, !next.isEmpty());
    }

    /**
     * The open arrays and the managers that an object refers to itself, without those that its managers hold; empty where
     * there is too much to look through.
     */
    static Optional<Set<Object>> referred(Object root) {
        Seen seen = see(root);
        return seen.cut() ? Optional.empty() : Optional.of(seen.objects());
    }

    /**
     * What an object was seen to refer to.
     *
     * @param cut whether not all was looked through
     * @param hidden what of it could not be looked into, behind the object's name
     */
    record Seen(Set<Object> objects, boolean cut, Optional<String> hidden) {
        Optional<String> untold() {
            return cut ? Optional.of(TOO_MUCH) : hidden;
        }
    }

    static Seen see(Object root) {
        Set<Object> found = Collections.newSetFromMap(new IdentityHashMap<>());
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Optional<String> hidden = Optional.empty();
        Deque<Object> next = new ArrayDeque<>();
        push(next, root);
        while (!next.isEmpty()) {
            Object each = next.pop();
            if (seen.add(each)) {
                if (each instanceof NDArray || each instanceof NDManager) {
                    found.add(each);
                } else {
                    hidden = hidden.or(() -> InUse.hidden(each));
                    expand(each, next);
                }
            }
            if (seen.size() > MOST) {
                return new Seen(found, true, hidden);
            }
        }
        return new Seen(found, false, hidden);
    }

    private static void expand(Object each, Deque<Object> next) {
        if (each instanceof LoadedModel loaded) {
            if (!loaded.isReleased()) {
                push(next, loaded.model());
                push(next, loaded.manager());
            }
        } else if (each instanceof Model model) {
            push(next, model.getNDManager());
            push(next, model.getBlock());
        } else if (each instanceof NDManager manager) {
            LiveArrays.arrays(manager).forEach(array -> push(next, array));
        } else if (each instanceof Block block) {
            block.getParameters().values().forEach(parameter -> push(next, parameter));
            fields(each, next); // a mask or a cache that it keeps beside its parameters
        } else if (each instanceof Parameter parameter) {
            if (parameter.isInitialized()) {
                push(next, parameter.getArray());
            }
        } else if (each instanceof Collection<?> items) {
            items.stream().filter(item -> !isLeaf(item)).limit(MOST + 1).forEach(item -> push(next, item));
        } else if (each instanceof Map<?, ?> map) {
            map.forEach((key, value) -> {
                push(next, key);
                push(next, value);
            });
        } else if (each instanceof Map.Entry<?, ?> entry) {
            push(next, entry.getKey());
            push(next, entry.getValue());
        } else if (each instanceof Optional<?> optional) {
            optional.ifPresent(value -> push(next, value));
        } else if (each instanceof AtomicReference<?> reference) {
            push(next, reference.get());
        } else if (each instanceof Reference<?> reference) {
            push(next, reference.get());
        } else if (each instanceof AtomicReferenceArray<?> items) {
            for (int i = 0; i < items.length(); i++) {
                push(next, items.get(i));
            }
        } else if (each instanceof Future<?> future) {
            push(next, InUse.result(future));
            fields(each, next);
        } else if (each instanceof Object[] items) {
            Arrays.stream(items).forEach(item -> push(next, item));
        } else {
            InUse.captured(each).ifPresent(items -> items.forEach(item -> push(next, item)));
            fields(each, next);
        }
    }

    private static void fields(Object each, Deque<Object> next) {
        for (Field field : FIELDS.get(each.getClass())) {
            try {
                push(next, field.get(each));
            } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
                continue;
            }
        }
    }

    /** Fields of classes that are neither the platform's nor DJL's metrics: a user's own holder, record, block or lambda. */
    private static List<Field> fieldsOf(Class<?> from) {
        List<Field> found = new ArrayList<>();
        for (Class<?> type = from; type != null && !type.isArray() && !isPlain(type); type = type.getSuperclass()) {
            add(type, false, found);
            Class<?> around = type.getNestHost();
            if (around != type && !around.getName().startsWith("REPL.")) { // there it holds the cell's variables
                add(around, true, found);
            }
        }
        return List.copyOf(found);
    }

    private static void add(Class<?> type, boolean staticOnly, List<Field> found) {
        boolean statics = NO_STATICS.stream().noneMatch(type.getName()::startsWith);
        for (Field field : declared(type)) {
            boolean leads = Modifier.isStatic(field.getModifiers()) ? statics : !staticOnly;
            if (leads && !cannotHold(field.getType())) {
                try {
                    field.setAccessible(true);
                    found.add(field);
                } catch (RuntimeException closed) {
                    continue;
                }
            }
        }
    }

    /** None where a class that a field is of is not there. */
    private static Field[] declared(Class<?> type) {
        try {
            return type.getDeclaredFields();
        } catch (LinkageError absent) {
            return new Field[0];
        }
    }

    /** Classes whose fields are not entered. */
    private static boolean isPlain(Class<?> type) {
        return PLAIN.stream().anyMatch(type.getName()::startsWith);
    }

    /** Whether no value of this declared type leads to an array. */
    private static boolean cannotHold(Class<?> type) {
        if (type.isArray()) {
            return cannotHold(type.getComponentType());
        }
        return type.isPrimitive() || isPlain(type) && Modifier.isFinal(type.getModifiers()) && type != Optional.class;
    }

    /** What holds no array and leads to none. */
    private static boolean isLeaf(Object value) {
        if (value == null || value instanceof String || value instanceof Number || value instanceof Enum) {
            return true;
        }
        return !isHolder(value)
                && !InUse.mayHide(value)
                && (!(value instanceof Object[]) || cannotHold(value.getClass()))
                && FIELDS.get(value.getClass()).isEmpty();
    }

    private static boolean isHolder(Object value) {
        return HOLDERS.stream().anyMatch(type -> type.isInstance(value));
    }

    /** Whether what it holds is found here, which of the platform's classes is told by none but these. */
    static boolean looksInto(Object value) {
        Class<?> type = value.getClass();
        while (type.isArray()) {
            type = type.getComponentType();
        }
        return isHolder(value) || type == Object.class || !isPlain(type);
    }

    private static void push(Deque<Object> next, Object value) {
        if (!isLeaf(value)) {
            next.push(value);
        }
    }
}

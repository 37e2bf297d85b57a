package io.headroom.model;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What an object of the platform's holds in private fields, where that can be told: its fields' types hold nothing, the JVM was
 * started with its package open, or it is a lambda that can be serialized, such as {@code Comparator.comparing(…)}.
 */
final class Captured {
    private static final int MOST = 10_000;

    private Captured() {}

    /** What the object leads to through the platform's own objects, but not through those that are looked into elsewhere. */
    static Optional<List<Object>> by(Object value, Predicate<Object> elsewhere) {
        List<Object> found = new ArrayList<>();
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Object> next = new ArrayDeque<>(List.of(value));
        while (!next.isEmpty()) {
            Object each = next.pop();
            if (!seen.add(each)) {
                continue;
            }
            Optional<List<Object>> inside = inside(each);
            if (inside.isEmpty() || seen.size() > MOST) {
                return Optional.empty();
            }
            for (Object held : inside.get()) {
                if (held != null && !isConstant(held)) {
                    (elsewhere.test(held) ? found : next).add(held);
                }
            }
        }
        return Optional.of(found);
    }

    private static boolean isConstant(Object value) {
        return value instanceof CharSequence && value.getClass().getName().startsWith("java.")
                || value instanceof Number
                || value instanceof Boolean
                || value instanceof Character
                || value instanceof Enum
                || value instanceof Class
                || value instanceof Path
                || holdsNothing(value.getClass());
    }

    private static Optional<List<Object>> inside(Object value) {
        if (value instanceof Object[] items) {
            return Optional.of(Arrays.asList(items));
        }
        List<Object> held = new ArrayList<>();
        for (Class<?> type = value.getClass(); type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !holdsNothing(field.getType())) {
                    try {
                        field.setAccessible(true);
                        held.add(field.get(value));
                    } catch (IllegalAccessException | RuntimeException closed) {
                        return serialized(value);
                    }
                }
            }
        }
        return Optional.of(held);
    }

    private static boolean holdsNothing(Class<?> type) {
        return type.isPrimitive() || type == String.class || type.isArray() && holdsNothing(type.getComponentType());
    }

    /** A lambda's own form for being written has what it captured; nothing else is asked for one. */
    private static Optional<List<Object>> serialized(Object lambda) {
        if (!lambda.getClass().isHidden() || !(lambda instanceof Serializable)) {
            return Optional.empty();
        }
        try (Form form = new Form()) {
            form.writeObject(lambda);
            return Optional.ofNullable(form.captured);
        } catch (IOException | RuntimeException unwritten) {
            return Optional.empty();
        }
    }

    /** Takes the form and writes nothing of what is in it. */
    private static final class Form extends ObjectOutputStream {
        private List<Object> captured;

        Form() throws IOException {
            super(OutputStream.nullOutputStream());
            enableReplaceObject(true);
        }

        @Override
        protected Object replaceObject(Object object) {
            if (object instanceof SerializedLambda lambda) {
                captured = new ArrayList<>();
                for (int i = 0; i < lambda.getCapturedArgCount(); i++) {
                    captured.add(lambda.getCapturedArg(i));
                }
            }
            return null;
        }
    }
}

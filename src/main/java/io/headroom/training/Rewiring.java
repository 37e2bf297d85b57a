package io.headroom.training;

import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.BlockList;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Puts other blocks into a tree of blocks, in place, and takes them out again.
 *
 * <p>DJL keeps a child twice: in the block's list of children, which saving and initializing walk, and mostly in a field,
 * which its forward pass calls. Both are changed. A block in several places gets one replacement, in all of them.
 */
final class Rewiring {
    private final List<Runnable> undo = new ArrayList<>();
    private final Set<Block> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Map<Block, Block> replaced = new IdentityHashMap<>();
    private final BiFunction<String, Block, Block> replacement;

    private Rewiring(BiFunction<String, Block, Block> replacement) {
        this.replacement = replacement;
    }

    /**
     * Replaces every block below the root for which the function gives another; a replaced block is not entered.
     *
     * @param replacement from a block and its path ({@code "01TransformerEncoderBlock/01selfAttention/01keyProjection"}) to another, or null to keep it;
     *     asked again in each place only where the block was kept in those before
     */
    static Rewiring of(Block root, BiFunction<String, Block, Block> replacement) {
        Rewiring rewiring = new Rewiring(replacement);
        try {
            rewiring.walk("", root);
            return rewiring;
        } catch (RuntimeException e) {
            rewiring.restore();
            throw e;
        }
    }

    /** How many blocks were replaced, each counted once. */
    int count() {
        return replaced.size();
    }

    void restore() {
        for (int i = undo.size() - 1; i >= 0; i--) {
            undo.get(i).run();
        }
        undo.clear();
        replaced.clear();
    }

    private void walk(String path, Block parent) {
        if (!(parent instanceof AbstractBlock) || !seen.add(parent)) {
            return;
        }
        BlockList children = parent.getChildren();
        for (int i = 0; i < children.size(); i++) {
            Block child = children.valueAt(i);
            String below = (path.isEmpty() ? "" : path + "/") + children.keyAt(i);
            Block before = replaced.get(child);
            Block other = before == null ? replacement.apply(below, child) : before;
            if (other == null || other == child) {
                walk(below, child);
            } else {
                replaced.put(child, other);
                swap(parent, child, other);
                undo.add(() -> swap(parent, other, child));
            }
        }
    }

    private static void swap(Block parent, Block from, Block to) {
        for (Class<?> type = parent.getClass();
                type != AbstractBlock.class && type != null;
                type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    swapField(parent, field, from, to);
                }
            }
        }
        BlockList children = (BlockList) get(field(AbstractBlock.class, "children"), parent);
        for (int i = 0; i < children.size(); i++) {
            if (children.valueAt(i) == from) {
                String key = children.keyAt(i);
                children.remove(i);
                children.add(i, key, to);
            }
        }
    }

    private static void swapField(Block parent, Field field, Block from, Block to) {
        Object value = Block.class.isAssignableFrom(field.getType()) || List.class.isAssignableFrom(field.getType())
                ? get(field, parent)
                : null;
        if (value == from) {
            if (!field.getType().isInstance(to)) {
                throw new IllegalArgumentException("the field " + field.getName() + " of "
                        + parent.getClass().getSimpleName() + " takes a "
                        + field.getType().getSimpleName() + " only: declare it as Block.");
            }
            try {
                field.set(parent, to);
            } catch (IllegalAccessException e) {
                throw new IllegalStateException("cannot set " + field + ": remove its final modifier.", e);
            }
        } else if (value instanceof List<?> list) {
            replaceIn(list, from, to);
        }
    }

    @SuppressWarnings("unchecked")
    private static void replaceIn(List<?> list, Block from, Block to) {
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) == from) {
                try {
                    ((List<Block>) list).set(i, to);
                } catch (UnsupportedOperationException e) {
                    throw new IllegalArgumentException(
                            "a block keeps its layers in an immutable list: make it a new ArrayList<>(…).", e);
                }
            }
        }
    }

    /** A private field's value: DJL has no accessor for some sizes that a block was built with. */
    static Object get(Block owner, String name) {
        return get(field(owner.getClass(), name), owner);
    }

    private static Object get(Field field, Object owner) {
        try {
            field.setAccessible(true);
            return field.get(owner);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("cannot read " + field, e);
        }
    }

    private static Field field(Class<?> type, String name) {
        try {
            return type.getDeclaredField(name);
        } catch (NoSuchFieldException e) {
            throw new IllegalStateException(
                    type.getSimpleName() + " has no field " + name
                            + ": this DJL is not 0.35, for which this was written.",
                    e);
        }
    }
}

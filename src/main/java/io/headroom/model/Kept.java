package io.headroom.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The arrays and managers that must stay open whatever a failed statement left.
 *
 * @param untold why they could not all be found
 */
record Kept(Set<Object> objects, Optional<String> untold) {
    /** Lists in lists. */
    private static final int DEEPEST = 3;

    /** What loaded models and variables refer to, but not what lies in collections that the statement names. */
    static Kept of(String code, List<Variable> variables) {
        Set<Object> kept = Collections.newSetFromMap(new IdentityHashMap<>());
        Optional<String> untold = InUse.thread();
        for (Variable variable : variables) {
            if (variable.value() instanceof NDArray array) {
                kept.add(array);
            } else {
                Optional<String> why = keep(variable.value(), names(code, variable.name()) ? DEEPEST : 0, kept);
                untold = untold.or(() -> why.map(each -> "variable " + variable.name() + each));
            }
        }
        for (LoadedModel model : Models.loaded()) {
            Holders.Seen referred = Holders.see(model);
            kept.addAll(referred.objects());
            untold = untold.or(() -> referred.untold().map(each -> "model " + model.name() + each));
        }
        return new Kept(kept, untold);
    }

    /** Keeps what a value refers to, but not the arrays that lie in its collections, so many deep; tells why not all. */
    private static Optional<String> keep(Object value, int deep, Set<Object> kept) {
        if (deep > 0) {
            if (value instanceof NDArray || value instanceof NDManager) {
                return Optional.empty();
            }
            Collection<?> items = value instanceof Collection<?> collection
                    ? collection
                    : value instanceof Map<?, ?> map
                            ? map.values()
                            : value instanceof Object[] array ? Arrays.asList(array) : null;
            if (items != null) {
                return items.stream()
                        .flatMap(item -> keep(item, deep - 1, kept).stream())
                        .findFirst();
            }
        }
        Holders.Seen referred = Holders.see(value);
        kept.addAll(referred.objects());
        return referred.untold();
    }

    static boolean names(String code, String variable) {
        return Pattern.compile("(?<![\\w$])" + Pattern.quote(variable) + "(?![\\w$])")
                .matcher(code)
                .find();
    }
}

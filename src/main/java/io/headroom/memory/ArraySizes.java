package io.headroom.memory;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.NativeResource;
import io.headroom.memory.TensorHeaders.Header;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Sizes of arrays for one walk over them, each storage counted once; what the walk before found need not be read again.
 *
 * <p>Where headers cannot be read the library could be asked, which ends the JVM if another thread closes the array meanwhile:
 * nothing is known of all arrays then unless {@link #TOLD} says that none does. The monitor's thread never asks: it knows
 * what others have asked before.
 */
final class ArraySizes {
    /** The system property that allows to ask: {@code ask}. */
    static final String TOLD = "headroom.arrays";

    /** In this many walks each header is read anew: an array may have been given another tensor at the same address. */
    private static final int TURNS = 64;

    private static volatile int walks;
    private static volatile Map<NDArray, Header> known = new IdentityHashMap<>();
    private static volatile Optional<TensorHeaders> headers;

    private final Map<NDArray, Header> before = known;
    private final Map<NDArray, Header> now = new IdentityHashMap<>();
    private final Set<Long> storages = new HashSet<>();
    private final boolean ask;
    private final Optional<TensorHeaders> reader;

    /** With {@code ask} the engine may be asked where headers cannot be read. */
    ArraySizes(boolean ask) {
        this(ask, headers());
    }

    ArraySizes(boolean ask, Optional<TensorHeaders> reader) {
        this.ask = ask;
        this.reader = reader;
    }

    /** Whether sizes can be known of arrays that any thread works with. */
    boolean known() {
        return reader.isPresent() || "ask".equals(System.getProperty(TOLD));
    }

    /** The array's header; empty if it is closed, or must not be asked for on this thread. */
    Optional<Header> of(NDArray array) {
        Object handle = handle(array);
        if (handle == null) {
            return Optional.empty();
        }
        boolean anew = reader.isPresent() && (System.identityHashCode(array) - walks) % TURNS == 0;
        Header old = anew ? null : before.get(array);
        Optional<Header> header =
                old != null && handle.equals(old.handle()) ? Optional.of(old) : read(array, (Long) handle);
        header.ifPresent(value -> now.put(array, value));
        return header;
    }

    /** Bytes of the array's storage, 0 if another array of this walk had the same. */
    long bytes(Header header) {
        return header.storage() == 0 || storages.add(header.storage()) ? header.bytes() : 0;
    }

    /** Keeps what a walk over all arrays has found. */
    void publish() {
        known = now;
        walks = (walks + 1) % TURNS;
    }

    private Optional<Header> read(NDArray array, long handle) {
        if (reader.isPresent()) {
            return reader.get().of(array);
        }
        if (!ask) {
            return Optional.empty();
        }
        try {
            Shape shape = array.getShape();
            DataType type = array.getDataType();
            return Optional.of(Header.of(handle, 0, Math.max(0, shape.size()) * type.getNumOfBytes(), shape, type));
        } catch (RuntimeException e) {
            return Optional.empty(); // closed by its owner meanwhile
        }
    }

    private static Object handle(NDArray array) {
        try {
            return array instanceof NativeResource<?> resource && resource.getHandle() instanceof Long handle
                    ? handle
                    : null;
        } catch (IllegalStateException e) {
            return null;
        }
    }

    private static Optional<TensorHeaders> headers() {
        Optional<TensorHeaders> found = headers;
        if (found == null) {
            synchronized (ArraySizes.class) {
                found = headers;
                if (found == null) {
                    Optional<Engine> engine = ManagerTree.engine();
                    try {
                        found = engine.flatMap(TensorHeaders::find);
                        headers = engine.isPresent() ? found : null;
                    } catch (RuntimeException e) {
                        found = Optional.empty();
                    }
                }
            }
        }
        return found;
    }
}

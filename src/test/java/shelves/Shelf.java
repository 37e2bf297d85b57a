package shelves;

import ai.djl.ndarray.NDArray;
import java.util.function.Supplier;

/** A class as a user's jar has it: not this library's, and with a cache for all. */
public final class Shelf {
    public static NDArray last;

    /** One that is nested in it. */
    public static final class Place {
        final Object[] row = {};
    }

    public static Supplier<NDArray> reader() {
        return () -> last;
    }
}

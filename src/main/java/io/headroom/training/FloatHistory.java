package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;

/**
 * A history of losses or metrics as plain floats: 4 bytes an entry, no array, no graph, no device memory kept alive.
 *
 * <p>A list of loss arrays keeps each loss's whole graph until it is closed, and in float64 twice the bytes.
 *
 * <pre>{@code
 * FloatHistory losses = new FloatHistory();
 * losses.add(loss);            // takes the number; the array stays the caller's to close
 * losses.toArray();
 * }</pre>
 *
 * <p>One writer at a time.
 */
public final class FloatHistory {
    private float[] values = new float[256];
    private int size;

    /**
     * Adds a loss's value.
     *
     * @throws IllegalArgumentException if the array holds more than one number; take its mean first
     */
    public void add(NDArray loss) {
        if (loss.getShape().size() != 1) {
            throw new IllegalArgumentException(
                    "a history takes one number at a time, this array is " + loss.getShape() + ": add(loss.mean()).");
        }
        if (loss.getDataType() == DataType.FLOAT32) {
            add(loss.getFloat());
            return;
        }
        try (NDArray single = loss.toType(DataType.FLOAT32, false)) {
            add(single.getFloat());
        }
    }

    /** Adds a value; a double loses the digits beyond a float's seven. */
    public void add(double value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, Math.multiplyExact(size, 2));
        }
        values[size++] = (float) value;
    }

    public int size() {
        return size;
    }

    /** Bytes held. */
    public long bytes() {
        return (long) values.length * Float.BYTES;
    }

    /** A copy of all values, oldest first. */
    public float[] toArray() {
        return Arrays.copyOf(values, size);
    }
}

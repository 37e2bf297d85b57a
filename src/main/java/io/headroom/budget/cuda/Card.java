package io.headroom.budget.cuda;

/**
 * A CUDA card: how much memory its driver counts, and what it can compute.
 *
 * <pre>{@code
 * Card t4 = Cards.named("T4");
 * t4.bytes();         // 14.55 GiB
 * t4.capability();    // 75: compute capability 7.5
 * }</pre>
 *
 * <p>Immutable.
 *
 * @param name as in the table of {@link io.headroom.budget.Device}, or the size that was given
 * @param bytes total memory, as its driver counts it
 * @param capability compute capability times ten, such as 86; {@link #UNKNOWN} where only a size is known
 */
public record Card(String name, long bytes, int capability) {
    /** The compute capability of a card of which only the size is known. */
    public static final int UNKNOWN = 0;
}

package io.headroom.allocator;

/**
 * The memory of a device: what PyTorch can have of it, and the whole card.
 *
 * <p>A memory fraction is a share of the card, and address space of expandable segments is reserved for the card, however
 * much of it other processes and the CUDA context hold.
 *
 * <pre>{@code
 * Capacity.of(24 * Bytes.GIB);                        // a card of which PyTorch has all
 * new Capacity(40 * Bytes.GIB, 80 * Bytes.GIB);       // half of it is taken
 * }</pre>
 *
 * @param limit bytes PyTorch can have in all, {@link CachingAllocator#UNLIMITED} for no limit
 * @param total bytes of the card, {@link CachingAllocator#UNLIMITED} where unknown
 */
public record Capacity(long limit, long total) {
    public Capacity {
        if (limit <= 0) {
            throw new IllegalArgumentException("limit " + limit + " must be above 0 bytes");
        }
        if (total <= 0) {
            throw new IllegalArgumentException("total " + total + " must be above 0 bytes");
        }
    }

    /** A card that PyTorch has for itself. */
    public static Capacity of(long limit) {
        return new Capacity(limit, limit);
    }
}

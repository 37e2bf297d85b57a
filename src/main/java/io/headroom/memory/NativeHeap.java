package io.headroom.memory;

import java.util.OptionalLong;

/**
 * glibc's malloc as {@code mallinfo2} sums it over all arenas, in bytes; absent on other systems and before glibc 2.33.
 *
 * <p>{@code used = arenas in use + mapped}. {@code kept} is free for the program but not given back to the system: what
 * {@link NativeTrim} returns, as far as whole pages are free.
 *
 * @param used blocks the program holds: tensors, weights, the JVM's own structures
 * @param kept free blocks malloc keeps in its arenas
 * @param mapped the part of {@code used} that is mapped block by block and goes back when freed
 */
public record NativeHeap(OptionalLong used, OptionalLong kept, OptionalLong mapped) {
    static NativeHeap unknown() {
        return new NativeHeap(OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty());
    }
}

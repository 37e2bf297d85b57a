package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;

/** Allocates Java objects in a heap nobody has touched yet and prints by how much heap and resident set grew. */
public final class HeapMain {
    static final long KNOWN = 96 * Bytes.MIB;

    private HeapMain() {}

    public static void main(String[] args) {
        Breakdown.now();
        Breakdown before = Breakdown.now().orElseThrow();
        List<byte[]> held = new ArrayList<>();
        while (held.size() < KNOWN / Bytes.MIB) {
            held.add(new byte[(int) Bytes.MIB]);
        }
        Breakdown after = Breakdown.now().orElseThrow();
        long heap = after.javaHeap().orElseThrow() - before.javaHeap().orElseThrow();
        System.out.println(heap + " " + (after.total() - before.total()) + (held.isEmpty() ? "!" : ""));
    }
}

package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.Random;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The set by classes answers as a sorted set does. */
class FreeSetTest {
    private record Entry(long size, long address, int block) {}

    @Property(tries = 50)
    void answersAsATreeSet(@ForAll long seed) {
        Random random = new Random(seed);
        FreeSet set = new FreeSet();
        TreeSet<Entry> tree =
                new TreeSet<>(Comparator.comparingLong(Entry::size).thenComparingLong(Entry::address));
        int sizes = 1 + random.nextInt(2000);
        for (int step = 0; step < 5000; step++) {
            if (random.nextInt(100) < (step < 2500 ? 65 : 35) || tree.isEmpty()) {
                Entry entry = new Entry(random.nextInt(sizes), random.nextInt(10_000), step);
                if (tree.add(entry)) {
                    set.add(entry.size(), entry.address(), entry.block());
                }
            } else {
                Entry any = tree.ceiling(new Entry(random.nextInt(sizes), 0, 0));
                any = any == null ? tree.first() : any;
                tree.remove(any);
                set.remove(any.size(), any.address());
            }
            Entry wanted = tree.ceiling(new Entry(random.nextInt(sizes), Long.MIN_VALUE, 0));
            long at = wanted == null ? -1 : set.ceiling(wanted.size(), Long.MIN_VALUE);
            assertThat(wanted == null ? -1 : set.block(at))
                    .isEqualTo(
                            wanted == null
                                    ? -1
                                    : tree.ceiling(new Entry(wanted.size(), Long.MIN_VALUE, 0))
                                            .block());
            if (at >= 0) {
                Entry higher = tree.higher(tree.ceiling(new Entry(wanted.size(), Long.MIN_VALUE, 0)));
                long next = set.next(at);
                assertThat(next < 0 ? -1 : set.block(next)).isEqualTo(higher == null ? -1 : higher.block());
            }
            assertThat(set.size()).isEqualTo(tree.size());
        }
        assertThat(set.toArray())
                .containsExactly(tree.stream().mapToInt(Entry::block).toArray());
    }

    @Test
    void aClassGrowsWithTheSize() {
        for (long size = 0; size < 5000; size++) {
            assertThat(FreeSet.classOf(size + 1) - FreeSet.classOf(size)).isBetween(0, 1);
        }
        for (int power = 4; power < 63; power++) {
            long size = 1L << power;
            assertThat(FreeSet.classOf(size))
                    .isEqualTo(FreeSet.classOf(size - 1) + 1)
                    .isLessThan(512);
        }
        assertThat(FreeSet.classOf(Long.MAX_VALUE)).isLessThan(512);
    }
}

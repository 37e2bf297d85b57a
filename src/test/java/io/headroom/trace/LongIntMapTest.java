package io.headroom.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class LongIntMapTest {
    @Property(tries = 50)
    void answersAsAHashMap(@ForAll long seed) {
        Random random = new Random(seed);
        LongIntMap map = new LongIntMap();
        Map<Long, Integer> known = new HashMap<>();
        int keys = 1 + random.nextInt(4000);
        for (int step = 0; step < 8000; step++) {
            long key = (long) random.nextInt(keys) << 21;
            if (random.nextInt(3) > 0) {
                map.put(key, step);
                known.put(key, step);
            } else {
                Integer gone = known.remove(key);
                assertThat(map.remove(key)).isEqualTo(gone == null ? -1 : gone);
            }
            long other = (long) random.nextInt(keys) << 21;
            assertThat(map.get(other)).isEqualTo(known.getOrDefault(other, -1));
            assertThat(map.size()).isEqualTo(known.size());
        }
    }
}

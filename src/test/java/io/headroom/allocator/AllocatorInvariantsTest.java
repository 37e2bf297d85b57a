package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** What holds after every step of any program, under any settings. */
class AllocatorInvariantsTest {
    private static final int STEPS = 300;

    /** What a program knows of a block it holds. */
    private record Held(long requested, long address, long size) {}

    @Property(tries = 200)
    void bookkeepingAddsUp(@ForAll long seed, @ForAll("settings") String conf, @ForAll("limits") long limit) {
        Random random = new Random(seed);
        var device = new CachingAllocator(AllocatorSettings.parse(conf), limit);
        Map<Integer, Held> held = new LinkedHashMap<>();
        Set<Integer> shared = new HashSet<>();
        long awaited = 0;
        int served = 0;
        for (int step = 0; step < STEPS; step++) {
            int what = random.nextInt(100);
            if (what < 55 || held.isEmpty()) {
                long size = size(random);
                int stream = random.nextInt(3);
                int block = device.malloc(size, stream);
                awaited = 0;
                if (block == CachingAllocator.OUT_OF_MEMORY) {
                    refusedRightly(device, limit, size, stream);
                } else {
                    held.put(block, served(device, block, size, stream, held));
                    served++;
                }
            } else if (what < 95) {
                int block = any(held, random);
                device.free(block);
                long requested = held.remove(block).requested();
                awaited += shared.remove(block) ? requested : 0;
            } else if (what < 98) {
                int block = any(held, random);
                int stream = random.nextInt(3);
                device.recordStream(block, stream);
                if (stream != device.blocks().stream[block]) {
                    shared.add(block);
                }
            } else {
                device.emptyCache();
                awaited = 0;
            }
            check(device, limit);
            assertThat(device.statistics().requestedBytes().current())
                    .isEqualTo(awaited
                            + held.values().stream().mapToLong(Held::requested).sum());
            assertThat(device.statistics().allocation().current()).isEqualTo(held.size());
        }
        assertThat(served).as("requests served").isPositive();
        held.keySet().forEach(device::free);
        device.emptyCache();
        assertThat(device.statistics().reservedBytes().current()).isZero();
        assertThat(device.statistics().activeBytes().current()).isZero();
        assertThat(device.statistics().requestedBytes().current()).isZero();
        assertThat(device.statistics().inactiveSplit().current()).isZero();
        assertThat(device.segments()).isEmpty();
    }

    private static int any(Map<Integer, Held> held, Random random) {
        return held.keySet().stream()
                .skip(random.nextInt(held.size()))
                .findFirst()
                .orElseThrow();
    }

    private static Held served(CachingAllocator device, int block, long size, int stream, Map<Integer, Held> held) {
        Blocks blocks = device.blocks();
        long address = blocks.address[block];
        long end = address + blocks.size[block];
        assertThat(blocks.size[block]).as("large enough").isGreaterThanOrEqualTo(size);
        assertThat(blocks.stream[block]).as("stream").isEqualTo(stream);
        assertThat(blocks.pool(block)).as("pool").isEqualTo(device.roundedSize(size) <= Bytes.MIB ? 0 : 1);
        assertThat(held).as("not in use").doesNotContainKey(block);
        assertThat(held.values())
                .as("does not overlap what is in use")
                .allMatch(other -> other.address() + other.size() <= address || end <= other.address());
        return new Held(size, address, blocks.size[block]);
    }

    /** After a refusal nothing that would have served it is left, neither cached nor on the device. */
    private static void refusedRightly(CachingAllocator device, long limit, long size, int stream) {
        AllocatorSettings settings = device.settings();
        boolean growing = settings.expandableSegments();
        long rounded = device.roundedSize(size);
        long page = rounded <= Bytes.MIB ? Rounding.SMALL_SEGMENT : settings.largeSegmentSize();
        long needs = growing ? Math.max(device.segmentSize(size), rounded + page) : device.segmentSize(size);
        assertThat(device.left(limit)).as("left on the device").isLessThan(needs);
        for (Segment segment : device.segments()) {
            boolean whole = segment.blocks().size() == 1
                    && segment.blocks().get(0).state() == Segment.State.INACTIVE
                    && !segment.expandable();
            assertThat(whole).as("a cached segment was kept").isFalse();
            if (segment.stream() == stream
                    && segment.large() == rounded > Bytes.MIB
                    && settings.maxSplitSize() == AllocatorSettings.UNSET) {
                assertThat(segment.largestHole()).as("a hole would have fitted").isLessThan(rounded);
            }
        }
    }

    @Test
    void aPartOfASegmentIsNeverGivenBackAlone() {
        var settings = AllocatorSettings.parse("large_segment_size_mb:64,max_split_size_mb:32");
        var device = new CachingAllocator(settings, 100 * Bytes.MIB);
        int part = device.malloc(5 * Bytes.MIB, 0);
        assertThat(device.malloc(80 * Bytes.MIB, 0)).isEqualTo(CachingAllocator.OUT_OF_MEMORY);
        check(device, 100 * Bytes.MIB);
        assertThat(device.statistics().reservedBytes().current()).isEqualTo(64 * Bytes.MIB);
        device.free(part);
        assertThat(device.malloc(80 * Bytes.MIB, 0)).isNotEqualTo(CachingAllocator.OUT_OF_MEMORY);
    }

    private static void check(CachingAllocator device, long limit) {
        Statistics statistics = device.statistics();
        long reserved = 0;
        long allocated = 0;
        long active = 0;
        long holes = 0;
        long end = 0;
        for (Segment segment : device.segments()) {
            assertThat(segment.address()).as("segments do not overlap").isGreaterThanOrEqualTo(end);
            end = segment.address() + segment.size();
            reserved += segment.size();
            long next = segment.address();
            Segment.State before = null;
            for (Segment.Block block : segment.blocks()) {
                assertThat(block.address()).as("blocks are gapless").isEqualTo(next);
                assertThat(block.size()).isGreaterThanOrEqualTo(512);
                assertThat(block.state() == Segment.State.INACTIVE && before == Segment.State.INACTIVE)
                        .as("free neighbours are merged")
                        .isFalse();
                next += block.size();
                before = block.state();
                allocated += block.state() == Segment.State.ACTIVE_ALLOCATED ? block.size() : 0;
                active += block.state() == Segment.State.INACTIVE ? 0 : block.size();
                boolean hole = block.state() == Segment.State.INACTIVE
                        && !segment.expandable()
                        && segment.blocks().size() > 1;
                holes += hole ? block.size() : 0;
            }
            assertThat(next).as("blocks fill the segment").isEqualTo(end);
        }
        assertThat(statistics.reservedBytes().current()).isEqualTo(reserved).isLessThanOrEqualTo(limit);
        assertThat(statistics.allocatedBytes().current()).isEqualTo(allocated);
        assertThat(statistics.activeBytes().current()).isEqualTo(active);
        assertThat(statistics.inactiveSplitBytes().current()).isEqualTo(holes);
        for (Statistics.Statistic figure :
                List.of(statistics.allocatedBytes(), statistics.reservedBytes(), statistics.inactiveSplitBytes())) {
            for (Statistics.Values values : List.of(figure.all(), figure.smallPool(), figure.largePool())) {
                assertThat(values.peak()).isGreaterThanOrEqualTo(values.current());
                assertThat(values.allocated() - values.freed()).isEqualTo(values.current());
            }
            assertThat(figure.smallPool().current() + figure.largePool().current())
                    .isEqualTo(figure.current());
        }
    }

    private static long size(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> 1 + random.nextInt(5_000);
            case 1 -> 1 + random.nextInt(2_000_000);
            case 2 -> 1 + random.nextInt(24_000_000);
            default -> 1 + random.nextInt(200_000_000);
        };
    }

    @Provide
    Arbitrary<String> settings() {
        return Arbitraries.of(
                "",
                "expandable_segments:True",
                "max_split_size_mb:64",
                "max_split_size_mb:21,max_non_split_rounding_mb:40",
                "roundup_power2_divisions:4",
                "roundup_power2_divisions:[1:8,64:2,>:1]",
                "garbage_collection_threshold:0.4,per_process_memory_fraction:0.8",
                "garbage_collection_threshold:0.4,per_process_memory_fraction:0.8,max_split_size_mb:100",
                "expandable_segments:True,max_split_size_mb:64",
                "large_segment_size_mb:64,max_split_size_mb:32",
                "expandable_segments:True,per_process_memory_fraction:0.5,large_segment_size_mb:40");
    }

    @Provide
    Arbitrary<Long> limits() {
        return Arbitraries.of(300 * Bytes.MIB, Bytes.GIB, 2 * Bytes.GIB, CachingAllocator.UNLIMITED);
    }
}

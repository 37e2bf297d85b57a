package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import org.junit.jupiter.api.Test;

/** The caching allocator on small programs whose outcome follows from its source, byte for byte. */
class GoldenVectorsTest {
    private static final long MIB = Bytes.MIB;

    @Test
    void oneByteTakesASmallSegment() {
        var device = device("");
        device.malloc(1, 0);
        expect(device, 2097152, 512, 2096640);
    }

    @Test
    void twoMebibytesFillOneSmallSegment() {
        var device = device("");
        device.malloc(MIB, 0);
        device.malloc(MIB, 0);
        expect(device, 2097152, 2097152, 0);
        device.malloc(1, 0);
        expect(device, 4194304, 2097664, 2096640);
    }

    @Test
    void aByteMoreThanOneMebibyteGoesToTheLargePool() {
        var device = device("");
        device.malloc(MIB + 1, 0);
        expect(device, 20971520, 1049088, 19922432);
    }

    @Test
    void nineMebibytesShareASegment() {
        var device = device("");
        device.malloc(9 * MIB, 0);
        device.malloc(9 * MIB, 0);
        expect(device, 20971520, 18874368, 2097152);
        device.malloc(9 * MIB, 0);
        expect(device, 41943040, 28311552, 13631488);
    }

    @Test
    void tenMebibytesGetASegmentOfTheirOwn() {
        var below = device("");
        below.malloc(10 * MIB - 512, 0);
        expect(below, 20971520, 10485248, 10486272);
        var device = device("");
        device.malloc(10 * MIB, 0);
        expect(device, 10485760, 10485760, 0);
    }

    @Test
    void aRemainderOfUpToAMebibyteStaysAttached() {
        var device = device("");
        device.malloc(19 * MIB + 1, 0);
        expect(device, 20971520, 20971520, 0);
        assertThat(device.statistics().requestedBytes().current()).isEqualTo(19922945);
        var exactly = device("");
        exactly.free(exactly.malloc(100 * MIB, 0));
        exactly.malloc(99 * MIB, 0);
        expect(exactly, 104857600, 104857600, 0);
        var more = device("");
        more.free(more.malloc(100 * MIB, 0));
        more.malloc(99 * MIB - 512, 0);
        expect(more, 104857600, 103808512, 1049088);
    }

    @Test
    void neighboursMergeWhenTheLastOneIsFreed() {
        var device = device("");
        int a = device.malloc(4 * MIB, 0);
        int b = device.malloc(4 * MIB, 0);
        int c = device.malloc(4 * MIB, 0);
        device.free(a);
        device.free(c);
        expect(device, 20971520, 4194304, 16777216);
        device.free(b);
        expect(device, 20971520, 0, 0);
        assertThat(device.segments().get(0).blocks()).hasSize(1);
    }

    @Test
    void aStreamDoesNotTakeAnothersBlocks() {
        var device = device("");
        device.free(device.malloc(4 * MIB, 1));
        device.malloc(4 * MIB, 2);
        assertThat(device.statistics().reservedBytes().current()).isEqualTo(41943040);
        assertThat(device.statistics().allocatedBytes().current()).isEqualTo(4194304);
        assertThat(device.statistics().inactiveSplitBytes().current()).isEqualTo(16777216);
    }

    @Test
    void aFullDeviceGivesBackWholeSegmentsAndTriesAgain() {
        var device = new CachingAllocator(AllocatorSettings.defaults(), 100 * MIB);
        int a = device.malloc(40 * MIB, 0);
        int b = device.malloc(40 * MIB, 0);
        device.free(a);
        device.free(b);
        device.malloc(60 * MIB, 0);
        expect(device, 62914560, 62914560, 0);
        assertThat(device.statistics().numAllocRetries()).isEqualTo(1);
        assertThat(device.statistics().reservedBytes().peak()).isEqualTo(83886080);
    }

    @Test
    void aHoleThatIsTooSmallIsTheEnd() {
        var device = new CachingAllocator(AllocatorSettings.defaults(), 100 * MIB);
        device.free(device.malloc(60 * MIB, 0));
        device.malloc(10 * MIB, 0);
        assertThat(device.malloc(60 * MIB, 0)).isEqualTo(CachingAllocator.OUT_OF_MEMORY);
        expect(device, 62914560, 10485760, 52428800);
        assertThat(device.statistics().numOoms()).isEqualTo(1);
    }

    @Test
    void oversizeBlocksAreKeptWhole() {
        var device = device("max_split_size_mb:128");
        device.free(device.malloc(200 * MIB, 0));
        device.malloc(100 * MIB, 0);
        expect(device, 314572800, 104857600, 0);
        device.malloc(181 * MIB, 0);
        expect(device, 314572800, 314572800, 0);
        var refused = device("max_split_size_mb:128");
        refused.free(refused.malloc(200 * MIB, 0));
        refused.malloc(180 * MIB, 0);
        expect(refused, 398458880, 188743680, 0);
    }

    @Test
    void expandableSegmentsGrowByPages() {
        var device = device("expandable_segments:True");
        device.malloc(5 * MIB, 0);
        device.malloc(30 * MIB, 0);
        expect(device, 41943040, 36700160, 0);
        var classic = device("");
        classic.malloc(5 * MIB, 0);
        classic.malloc(30 * MIB, 0);
        assertThat(classic.statistics().reservedBytes().current()).isEqualTo(50 * MIB);
    }

    @Test
    void roundingByDivisionsOfPowersOfTwo() {
        var rounding = new Rounding(AllocatorSettings.parse("roundup_power2_divisions:4"));
        assertThat(rounding.block(1200)).isEqualTo(1536);
        assertThat(rounding.block(2049)).isEqualTo(2560);
        assertThat(rounding.block(3000)).isEqualTo(3072);
        assertThat(rounding.block(MIB + 1)).isEqualTo(1310720);
        assertThat(rounding.block(5 * MIB)).isEqualTo(5 * MIB);
    }

    @Test
    void roundingByAListOfDivisions() {
        var device = device("roundup_power2_divisions:[1:8,64:2,>:1]");
        device.malloc(3 * MIB / 2 + 1, 0);
        assertThat(device.statistics().allocatedBytes().current()).isEqualTo(13 * MIB / 8);
        device.malloc(100 * MIB, 0);
        assertThat(device.statistics().allocatedBytes().current()).isEqualTo(13 * MIB / 8 + 128 * MIB);
        device.malloc(5 * MIB + 1, 0);
        assertThat(device.statistics().allocatedBytes().current())
                .as("2 to 32 MiB are not named")
                .isEqualTo(13 * MIB / 8 + 128 * MIB + 5 * MIB + 512);
    }

    @Test
    void garbageCollectionTakesTheOlderHalfFirst() {
        var collected = collected("garbage_collection_threshold:0.5,per_process_memory_fraction:0.8");
        expect(collected, 560 * MIB, 500 * MIB, 0);
        assertThat(collected.statistics().numDeviceFree()).isEqualTo(1);
        assertThat(collected.statistics().numAllocRetries()).isZero();
        var without = collected("garbage_collection_threshold:0.5");
        expect(without, 660 * MIB, 500 * MIB, 0);
    }

    /** Free are 100 MiB for three searches and 60 MiB for two, of 460 MiB reserved, when 200 MiB are asked for. */
    private static CachingAllocator collected(String conf) {
        var device = new CachingAllocator(AllocatorSettings.parse(conf), 1000 * MIB);
        int a = device.malloc(100 * MIB, 0);
        int b = device.malloc(60 * MIB, 0);
        int c = device.malloc(300 * MIB, 0);
        device.free(a);
        device.free(c);
        c = device.malloc(300 * MIB, 0);
        device.free(b);
        device.free(c);
        device.malloc(300 * MIB, 0);
        device.malloc(200 * MIB, 0);
        return device;
    }

    @Test
    void oversizeBlocksAreReleasedTogetherBeforeTheWholeCache() {
        var device = new CachingAllocator(AllocatorSettings.parse("max_split_size_mb:64"), 400 * MIB);
        device.free(device.malloc(1000, 0));
        int a = device.malloc(100 * MIB, 0);
        int b = device.malloc(120 * MIB, 0);
        device.malloc(150 * MIB, 0);
        device.free(a);
        device.free(b);
        device.malloc(180 * MIB, 0);
        expect(device, (2 + 150 + 180) * MIB, (150 + 180) * MIB, 0);
        assertThat(device.statistics().numAllocRetries())
                .as("the small cache stays")
                .isZero();
        assertThat(device.statistics().numDeviceFree()).isEqualTo(2);
    }

    @Test
    void expandableSegmentsGiveWholePagesBack() {
        var device = device("expandable_segments:True");
        int a = device.malloc(30 * MIB, 0);
        device.malloc(30 * MIB, 0);
        expect(device, 60 * MIB, 60 * MIB, 0);
        device.free(a);
        device.emptyCache();
        expect(device, 40 * MIB, 30 * MIB, 0);
        device.malloc(25 * MIB, 0);
        expect(device, 60 * MIB, 55 * MIB, 0);
        device.malloc(5 * MIB, 1);
        expect(device, 80 * MIB, 60 * MIB, 0);
        assertThat(device.segments()).extracting(Segment::stream).containsExactlyInAnyOrder(0, 1);
    }

    @Test
    void anExpandableSegmentFillsItsHolesBeforeItGrows() {
        var device = device("expandable_segments:True");
        int hole = device.malloc(10 * MIB, 0);
        long address = device.blocks().address[hole];
        device.malloc(10 * MIB, 0);
        device.malloc(11 * MIB, 0);
        device.free(hole);
        int block = device.malloc(8 * MIB, 0);
        assertThat(device.blocks().address[block])
                .as("the end has 9 MiB and fits better, but more lies behind it")
                .isEqualTo(address);
        expect(device, 40 * MIB, 29 * MIB, 0);
    }

    private static CachingAllocator device(String conf) {
        return new CachingAllocator(AllocatorSettings.parse(conf), CachingAllocator.UNLIMITED);
    }

    private static void expect(CachingAllocator device, long reserved, long allocated, long holes) {
        Statistics statistics = device.statistics();
        assertThat(statistics.reservedBytes().current()).as("reserved").isEqualTo(reserved);
        assertThat(statistics.allocatedBytes().current()).as("allocated").isEqualTo(allocated);
        assertThat(statistics.inactiveSplitBytes().current()).as("holes").isEqualTo(holes);
    }
}

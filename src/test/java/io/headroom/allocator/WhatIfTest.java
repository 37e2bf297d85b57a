package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.trace.TraceText;
import io.headroom.units.Bytes;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WhatIfTest {
    @Test
    void aDeadRunTellsItsLimitAndIsReproduced() throws IOException {
        WhatIf whatIf = WhatIf.of(FidelityTest.read("oom-2.7-p4"));
        assertThat(whatIf.died()).isTrue();
        assertThat(whatIf.limit()).hasValue(170 * Bytes.MIB);
        assertThat(whatIf.reproduces()).isTrue();
        assertThat(whatIf.asItWas().survives()).isFalse();
        assertThat(whatIf.rows().get(0).survives()).isTrue();
        assertThat(whatIf.hole()).isPresent();
        assertThat(whatIf.hole().get().size()).isLessThan(whatIf.hole().get().requested());
        assertThat(whatIf.toString()).contains("survives").contains("expandable_segments:True");
    }

    @Test
    void survivorsComeFirstThenByPeak() throws IOException {
        List<WhatIf.Row> rows = WhatIf.of(FidelityTest.read("oom-2.7-p4")).rows();
        for (int i = 1; i < rows.size(); i++) {
            assertThat(!rows.get(i - 1).survives() && rows.get(i).survives()).isFalse();
            if (rows.get(i).survives()) {
                assertThat(rows.get(i).footprint().peakReserved().bytes())
                        .isGreaterThanOrEqualTo(
                                rows.get(i - 1).footprint().peakReserved().bytes());
            }
        }
    }

    @Test
    void theHoleNamesItsNeighbours() {
        var trace = TraceText.parse(
                """
                phase epoch 1
                alloc a 60 MiB attention
                free a
                phase epoch 2
                alloc b 10 MiB embedding
                alloc c 60 MiB attention
                """);
        WhatIf whatIf = WhatIf.of(
                trace,
                AllocatorSettings.defaults(),
                OptionalLong.of(100 * Bytes.MIB),
                List.of("expandable_segments:True"));
        assertThat(whatIf.asItWas().footprint().oom()).isPresent();
        OomPoint point = whatIf.asItWas().footprint().oom().get();
        assertThat(point.largestHole()).isEqualTo(50 * Bytes.MIB);
        assertThat(point.isFragmentation()).isTrue();
        assertThat(whatIf.hole().get().before()).contains(new Hole.Holder(10 * Bytes.MIB, "embedding", "epoch 2"));
        assertThat(whatIf.rows().stream().filter(WhatIf.Row::survives).map(WhatIf.Row::change))
                .containsSubsequence("empty cache after the step", "expandable_segments:True");
        assertThat(whatIf.smallestLimit(AllocatorSettings.defaults()).orElseThrow())
                .isBetween(120 * Bytes.MIB, 122 * Bytes.MIB);
        assertThat(whatIf.smallestLimit().orElseThrow()).isBetween(80 * Bytes.MIB, 82 * Bytes.MIB);
    }

    @Test
    void theSmallestLimitReallySuffices() throws IOException {
        WhatIf whatIf = WhatIf.of(FidelityTest.read("plain-2.7-p4"));
        assertThat(whatIf.limit()).isEmpty();
        long limit = whatIf.smallestLimit(AllocatorSettings.defaults()).orElseThrow();
        assertThat(CachingAllocator.replay(whatIf.trace(), AllocatorSettings.defaults(), limit)
                        .survives())
                .isTrue();
        assertThat(CachingAllocator.replay(whatIf.trace(), AllocatorSettings.defaults(), limit - 4 * Bytes.MIB)
                        .survives())
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.95, 0.5, 0.2, 0.1, 0.01})
    void theSmallestLimitSufficesUnderAMemoryFractionToo(double share) {
        Trace trace = TraceText.parse("alloc a 100 MiB\nfree a");
        AllocatorSettings fraction = AllocatorSettings.parse("per_process_memory_fraction:" + share);
        WhatIf whatIf = WhatIf.of(trace, AllocatorSettings.defaults(), OptionalLong.empty(), List.of());
        long limit = whatIf.smallestLimit(fraction).orElseThrow();
        assertThat(CachingAllocator.replay(trace, fraction, limit).survives()).isTrue();
        assertThat(CachingAllocator.replay(trace, fraction, limit - limit / 100).survives())
                .isFalse();
    }

    @Test
    void whatNoDeviceServesHasNoSmallestLimit() {
        Trace trace = TraceText.parse("alloc a 1 GiB\nfree a\nalloc b 2000000 TiB\nfree b");
        WhatIf whatIf = WhatIf.of(trace, AllocatorSettings.defaults(), OptionalLong.empty(), List.of());
        assertThat(whatIf.smallestLimitAsItWas()).isEmpty();
        assertThat(whatIf.smallestLimit()).isEmpty();
        assertThat(whatIf.asItWas().footprint().oom().orElseThrow().isFragmentation())
                .isFalse();
    }

    @Test
    void theBestSettingsAreNeverSaidToNeedMoreThanTheRunAsItWas() {
        Trace trace = TraceText.parse("alloc a 61 MiB\nfree a\nalloc b 63 MiB\nfree b\nalloc c 65 MiB\nfree c");
        List<String> confs = List.of("roundup_power2_divisions:8");
        WhatIf whatIf = WhatIf.of(trace, AllocatorSettings.defaults(), OptionalLong.empty(), confs);
        assertThat(whatIf.smallestLimit().orElseThrow())
                .isLessThanOrEqualTo(whatIf.smallestLimitAsItWas().orElseThrow());
    }

    @ParameterizedTest
    @CsvSource({"full-pages-2.7-p4, 195", "oom-expandable-2.7-p4, 158"})
    void aCardWithoutRoomForAPageIsNoCapOnTheProcess(String name, long mebibytes) throws IOException {
        WhatIf whatIf = WhatIf.of(FidelityTest.read(name));
        assertThat(whatIf.source().flatMap(Source::cap)).isEmpty();
        assertThat(whatIf.limit()).hasValue(mebibytes * Bytes.MIB);
        assertThat(whatIf.asItWas().survives()).isFalse();
        assertThat(whatIf.reproduces()).isTrue();
    }

    @Test
    void aRunThatNeedsWholePagesNoMoreSurvives() throws IOException {
        WhatIf whatIf = WhatIf.of(FidelityTest.read("full-pages-2.7-p4"));
        assertThat(whatIf.recommended().map(WhatIf.Row::change)).hasValue("(default)");
    }

    @Test
    void aFailureOfWhichTheBeginningIsLostIsExplainedFromTheRecording() throws IOException {
        Snapshot snapshot = FidelityTest.read("lost-beginning-2.7-p4");
        WhatIf whatIf = WhatIf.of(snapshot);
        assertThat(whatIf.missesFailure()).isTrue();
        assertThat(whatIf.recommended()).isEmpty();
        assertThat(whatIf.smallestLimitAsItWas()).isEmpty();
        Source.Refused refused = whatIf.source().flatMap(Source::refused).orElseThrow();
        assertThat(refused.point().free()).isEqualTo(300 * Bytes.MIB);
        assertThat(refused.point().unallocated()).isEqualTo(800 * Bytes.MIB);
        assertThat(refused.point().isFragmentation()).isTrue();
        assertThat(refused.hole().size()).isEqualTo(40 * Bytes.MIB);
        assertThat(refused.hole().before().orElseThrow().bytes()).isEqualTo(50 * Bytes.MIB);
        WhatIf larger = WhatIf.of(snapshot, 0, OptionalLong.of(80 * Bytes.GIB), List.of());
        assertThat(larger.missesFailure()).as("on a larger card it may survive").isFalse();
    }

    @Test
    void whatFailedAsReplayedIsRebuiltAlike() throws IOException {
        WhatIf whatIf = WhatIf.of(FidelityTest.read("oom-2.7-p4"));
        assertThat(whatIf.missesFailure()).isFalse();
        Source.Refused refused = whatIf.source().flatMap(Source::refused).orElseThrow();
        OomPoint replayed = whatIf.asItWas().footprint().oom().orElseThrow();
        assertThat(refused.point().event()).isEqualTo(replayed.event());
        assertThat(refused.point().allocated()).isEqualTo(replayed.allocated());
        assertThat(refused.point().reserved()).isEqualTo(replayed.reserved());
        assertThat(refused.point().free()).isEqualTo(replayed.free());
        assertThat(refused.point().largestHole()).isEqualTo(replayed.largestHole());
    }

    @Test
    void theDeviceThatRanOutOfMemoryIsLookedAt() throws IOException {
        Snapshot snapshot = FidelityTest.read("second-device-2.7-p4");
        assertThat(snapshot.recording(0).events())
                .isGreaterThan(snapshot.recording(1).events());
        WhatIf whatIf = WhatIf.of(snapshot);
        assertThat(whatIf.trace().device()).isEqualTo(1);
        assertThat(whatIf.asItWas().survives()).isFalse();
        assertThat(WhatIf.of(snapshot, 0, OptionalLong.empty(), List.of())
                        .source()
                        .orElseThrow()
                        .failed())
                .containsExactly(1);
    }

    @Test
    void whereARecordingBeginsNoPhaseOfTheProgramEnds() throws IOException {
        assertThat(WhatIf.of(FidelityTest.read("lost-beginning-2.7-p4")).rows())
                .noneMatch(row -> row.change().contains("phase"));
    }

    @Test
    void aMalformedSettingFailsBeforeTheReplay() throws IOException {
        var snapshot = FidelityTest.read("plain-2.7-p4");
        assertThatThrownBy(() -> WhatIf.of(snapshot, 0, OptionalLong.empty(), List.of("max_split_size:1")))
                .hasMessageContaining("Unrecognized CachingAllocator option: max_split_size");
        assertThatThrownBy(() -> WhatIf.of(snapshot, 3, OptionalLong.empty(), List.of()))
                .hasMessageContaining("device 3 is not in the snapshot");
        assertThatThrownBy(() -> WhatIf.of(snapshot, 0, OptionalLong.of(0), List.of()))
                .hasMessageContaining("limit 0");
    }

    @Test
    void theSettingThatSavesTheRunIsRecommended() throws IOException {
        WhatIf whatIf = WhatIf.of(FidelityTest.read("oom-2.7-p4"));
        assertThat(whatIf.recommended().map(WhatIf.Row::change)).hasValue("expandable_segments:True");
    }

    @Test
    void whatEndsLikeTheRunAsItWasIsNotRecommended() {
        var steady = TraceText.parse("alloc a 64 MiB\nfree a\nalloc b 64 MiB\nfree b\n");
        WhatIf whatIf = WhatIf.of(
                steady,
                AllocatorSettings.defaults(),
                OptionalLong.of(Bytes.GIB),
                List.of("max_split_size_mb:64", "expandable_segments:True", "roundup_power2_divisions:8"));
        assertThat(whatIf.asItWas().survives()).isTrue();
        assertThat(whatIf.recommended()).isEmpty();
        assertThat(whatIf.rows())
                .filteredOn(row -> row.change().startsWith("max_split"))
                .singleElement()
                .satisfies(row -> assertThat(row.how()).isEqualTo("makes no difference to this run"));
        assertThat(whatIf.rows()).filteredOn(row -> !row.approximate()).first().matches(WhatIf.Row::recorded);
    }

    @Test
    void aProgramIsChangedOnlyWhereNoSettingSaves() {
        var wide = TraceText.parse(
                """
                alloc weights 40 MiB
                repeat 3
                  alloc batch 80 MiB
                  free batch
                end
                """);
        WhatIf whatIf =
                WhatIf.of(wide, AllocatorSettings.defaults(), OptionalLong.of(100 * Bytes.MIB), WhatIf.CANDIDATES);
        assertThat(whatIf.recommended()).hasValueSatisfying(row -> {
            assertThat(row.approximate()).isTrue();
            assertThat(row.how()).startsWith("halve the batch");
        });
        assertThat(whatIf.asItWas().footprint().oom().get().isFragmentation()).isFalse();
    }

    @Test
    void settingsThatCannotBeReplayedAreSaidToBeTheSnapshots() throws IOException {
        String bytes;
        try (InputStream in = WhatIfTest.class.getResourceAsStream("/snapshots/expandable-2.7-p4.pickle")) {
            bytes = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1)
                    .replace("expandable_segments:True", "backend:cudaMallocAsync ");
        }
        Snapshot snapshot = Snapshot.read(new ByteArrayInputStream(bytes.getBytes(StandardCharsets.ISO_8859_1)));
        assertThatThrownBy(() -> WhatIf.recordedSettings(snapshot))
                .hasMessageContaining("the snapshot was recorded under settings that cannot be replayed")
                .hasMessageContaining("cudaMallocAsync");
    }

    @Test
    void aCapOnTheProcessIsToldFromTheCard() throws IOException {
        WhatIf whatIf = WhatIf.of(FidelityTest.read("capped-2.7-p4"));
        ProcessCap cap = whatIf.source().flatMap(Source::cap).orElseThrow();
        assertThat(170 * Bytes.MIB).isBetween(cap.least(), cap.most());
        assertThat(cap.free()).isGreaterThanOrEqualTo(cap.tried());
        assertThat(whatIf.limit()).hasValue(cap.least());
        assertThat(whatIf.asItWas().survives()).isFalse();
        assertThat(whatIf.reproduces()).isTrue();
        assertThat(WhatIf.of(FidelityTest.read("oom-2.7-p4")).source().flatMap(Source::cap))
                .as("a full card is no cap")
                .isEmpty();
    }

    @Test
    void theSettingsTheRunHadMayBeGiven() throws IOException {
        WhatIf.Given given = WhatIf.Given.nothing()
                .withRecorded(AllocatorSettings.parse("per_process_memory_fraction:0.425"))
                .withTotal(OptionalLong.of(400 * Bytes.MIB));
        Snapshot snapshot = FidelityTest.read("capped-2.7-p4");
        WhatIf whatIf = WhatIf.of(snapshot, 0, given, List.of(""), stage -> {});
        assertThat(whatIf.limit()).hasValue(400 * Bytes.MIB);
        OomPoint point = whatIf.asItWas().footprint().oom().orElseThrow();
        assertThat(point.free()).as("what the cap leaves").isEqualTo(170 * Bytes.MIB - point.reserved());
        assertThat(whatIf.rows())
                .filteredOn(row -> row.change().equals("(default)"))
                .singleElement()
                .matches(WhatIf.Row::survives);
        WhatIf unknownCard = WhatIf.of(snapshot, 0, given.withTotal(OptionalLong.empty()), List.of(""), stage -> {});
        assertThat(unknownCard.asItWas().survives())
                .as("the card's size follows from what was reached")
                .isFalse();
    }

    @Test
    void aMemoryFractionIsAShareOfTheCardNotOfWhatIsLeft() {
        Trace trace = TraceText.parse("alloc a 38 GiB\nfree a");
        WhatIf.Given half = WhatIf.Given.nothing().withLimit(OptionalLong.of(39 * Bytes.GIB));
        List<String> confs = List.of("per_process_memory_fraction:0.95");
        WhatIf own = WhatIf.of(trace, half, confs, stage -> {});
        WhatIf shared = WhatIf.of(trace, half.withTotal(OptionalLong.of(80 * Bytes.GIB)), confs, stage -> {});
        assertThat(fraction(own).survives()).as("37.05 GiB").isFalse();
        assertThat(fraction(own).how()).contains("replayed as a cap of 37.05 GiB");
        assertThat(fraction(shared).survives()).as("76 GiB").isTrue();
    }

    private static WhatIf.Row fraction(WhatIf whatIf) {
        return whatIf.rows().stream()
                .filter(row -> row.change().startsWith("per_process"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aRequestBeyondAnyDeviceIsAnAnswer() {
        Trace trace = TraceText.parse("alloc a 1 GiB\nfree a\nalloc b 9223372036854775807 bytes\nfree b");
        WhatIf whatIf =
                WhatIf.of(trace, AllocatorSettings.defaults(), OptionalLong.of(2 * Bytes.GIB), WhatIf.CANDIDATES);
        OomPoint point = whatIf.asItWas().footprint().oom().orElseThrow();
        assertThat(point.tried()).isEqualTo(Long.MAX_VALUE);
        assertThat(point.isFragmentation()).isFalse();
    }

    @Test
    void privatePoolsAreSeen() throws IOException {
        try (InputStream in = WhatIfTest.class.getResourceAsStream("/snapshots/plain-2.7-p4.pickle")) {
            String bytes = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
            String own = bytes.replace("K\000K\000\206", "K\001K\000\206");
            Snapshot snapshot = Snapshot.read(new ByteArrayInputStream(own.getBytes(StandardCharsets.ISO_8859_1)));
            assertThat(WhatIf.of(snapshot).source().orElseThrow().privatePools())
                    .isEqualTo(snapshot.reserved(0));
        }
        assertThat(WhatIf.of(FidelityTest.read("plain-2.7-p4"))
                        .source()
                        .orElseThrow()
                        .privatePools())
                .isZero();
    }
}

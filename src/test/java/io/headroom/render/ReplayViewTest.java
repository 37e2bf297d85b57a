package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.allocator.AddressMap;
import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Footprint;
import io.headroom.allocator.WhatIf;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.trace.TraceText;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ReplayViewTest {
    private static final Trace TRACE = TraceText.parse(
            """
            phase epoch 1
            alloc a 60 MiB <attention>
            free a
            phase epoch 2
            alloc b 10 MiB <embedding>
            alloc c 60 MiB attention
            """);
    private static final long LIMIT = 100 * Bytes.MIB;

    @Test
    void theTableSaysWhyAndWhat() {
        Bundle bundle = ReplayView.of(WhatIf.of(
                TRACE, AllocatorSettings.defaults(), OptionalLong.of(LIMIT), List.of("expandable_segments:True")));
        assertThat(bundle.plain()).contains("expandable_segments:True").contains("the largest hole has 50.00 MiB");
        assertThat((String) bundle.data().get(Bundle.HTML)).contains("<table>").doesNotContain("<script");
    }

    @Test
    void aRequestSmallerThanItsSegmentIsToldWithIt() throws IOException {
        try (InputStream in = ReplayViewTest.class.getResourceAsStream("/snapshots/oom-2.7-p4.pickle")) {
            assertThat(ReplayView.of(WhatIf.of(Snapshot.read(in))).plain())
                    .contains(
                            "tried 20.00 MiB (a segment for 8.90 MiB) with 16.00 MiB free", "8.90 MiB were asked for");
        }
    }

    @Test
    void aLostBeginningIsSaidAndNothingIsNoAdvice() throws IOException {
        try (InputStream in = ReplayViewTest.class.getResourceAsStream("/snapshots/lost-beginning-2.7-p4.pickle")) {
            String text = ReplayView.of(WhatIf.of(Snapshot.read(in))).plain();
            assertThat(text)
                    .contains("the beginning of the recording is lost", "What to do: record the run from its start")
                    .contains("tried 400.00 MiB with 300.00 MiB free and 800.00 MiB in holes, the largest 40.00 MiB")
                    .contains("Why: the largest hole has 40.00 MiB", "50.00 MiB (before the recording)")
                    .doesNotContain("nothing", "Smallest limit");
        }
    }

    @Test
    void aFirstStepThatFailsHasNoHalfBatchAndSaysSo() {
        Trace first =
                TraceText.parse("alloc w 40 MiB weights\nalloc x 30 MiB act1\nalloc y 30 MiB act2\nfree y\nfree x");
        WhatIf whatIf = WhatIf.of(
                first, AllocatorSettings.defaults(), OptionalLong.of(80 * Bytes.MIB), List.of("max_split_size_mb:64"));
        assertThat(ReplayView.notes(whatIf)).anyMatch(note -> note.startsWith("No step ended before the failure"));
    }

    @Test
    void theDeviceThatFailedIsNamed() throws IOException {
        try (InputStream in = ReplayViewTest.class.getResourceAsStream("/snapshots/second-device-2.7-p4.pickle")) {
            Snapshot snapshot = Snapshot.read(in);
            assertThat(ReplayView.notes(WhatIf.of(snapshot)))
                    .anyMatch(note -> note.contains("looked at is device 1, which ran out of memory"));
            assertThat(ReplayView.notes(WhatIf.of(snapshot, 0, OptionalLong.empty(), List.of())))
                    .anyMatch(note -> note.contains("Out of memory too or instead: [1]"));
        }
    }

    @Test
    void holesAreSeen() {
        AddressMap map = AddressMap.at(TRACE, AllocatorSettings.defaults(), LIMIT, TRACE.events() - 1);
        assertThat(map.largestHole()).isEqualTo(50 * Bytes.MIB);
        assertThat(map.requested()).isEqualTo(60 * Bytes.MIB);
        Bundle bundle = AddressMapView.of(map);
        assertThat(bundle.plain()).contains("##").contains("....").contains("asked in vain for 60.00 MiB");
        assertThat((String) bundle.data().get(Bundle.HTML))
                .contains("free 50.00 MiB")
                .contains("&lt;")
                .doesNotContain("<embedding>");
    }

    @Test
    void momentsKeepWhatIsDrawnAndTheSumsOfAll() {
        Trace.Builder crowd = Trace.builder();
        int[] ids = new int[40_000];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = crowd.alloc(700, "op");
        }
        for (int i = 0; i < 400; i++) {
            crowd.alloc(11 * Bytes.MIB + i * 2 * Bytes.MIB, "large");
        }
        for (int i = 0; i < ids.length; i += 2) {
            crowd.free(ids[i]);
        }
        Trace trace = crowd.build();
        AllocatorSettings settings = AllocatorSettings.defaults();
        List<AddressMap> moments = AddressMap.moments(trace, settings, CachingAllocator.UNLIMITED, 3);
        AddressMap last = moments.get(2);
        AddressMap exact = AddressMap.at(trace, settings, CachingAllocator.UNLIMITED, last.event());
        assertThat(exact.segments().stream()
                        .mapToInt(segment -> segment.blocks().size())
                        .sum())
                .isGreaterThan(40_000);
        assertThat(last.segments().stream()
                        .mapToInt(segment -> segment.blocks().size())
                        .sum())
                .isLessThan(10_000);
        assertThat(last.toString()).isEqualTo(exact.toString());
        assertThat(last.count()).isEqualTo(exact.segments().size());
        assertThat(AddressMapView.of(moments, 2).plain()).contains(last.count() + " segments");
    }

    @Test
    void aMillionEventsAreThinnedAndExact() {
        Trace.Builder long_ = Trace.builder();
        for (int i = 0; i < 500_000; i++) {
            long_.free(long_.alloc(1000 + i % 7, "op"));
        }
        long_.free(long_.alloc(777 * Bytes.MIB, "spike"));
        for (int i = 0; i < 10_000; i++) {
            long_.free(long_.alloc(1000, "op"));
        }
        Footprint footprint =
                CachingAllocator.replay(long_.build(), AllocatorSettings.defaults(), CachingAllocator.UNLIMITED);
        assertThat(footprint.peakAllocated().bytes()).isEqualTo(778 * Bytes.MIB);
        assertThat(footprint.peakAllocated().operator()).isEqualTo("spike");
        Map<?, ?> figure = (Map<?, ?>) ReplayView.of(footprint).data().get(PlotlyFigure.MIME);
        Map<?, ?> line = (Map<?, ?>) ((List<?>) figure.get("data")).get(2);
        assertThat((List<?>) line.get("x")).hasSizeLessThanOrEqualTo(2048);
        assertThat(((List<?>) line.get("y"))
                        .stream().mapToDouble(y -> (Double) y).max())
                .hasValue(778);
    }

    @Test
    void anEventThatTheTraceHasNotIsRefused() {
        for (int event : new int[] {-1, TRACE.events(), 99_999_999}) {
            assertThatThrownBy(() -> AddressMap.at(TRACE, AllocatorSettings.defaults(), LIMIT, event))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("event " + event)
                    .hasMessageContaining("events 0 to " + (TRACE.events() - 1));
        }
    }
}

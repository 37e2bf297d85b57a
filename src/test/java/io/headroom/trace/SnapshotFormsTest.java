package io.headroom.trace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.trace.Recording.Action;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same run written by several versions of PyTorch reads the same. */
class SnapshotFormsTest {
    @ParameterizedTest
    @ValueSource(strings = {"plain-1.13-p2", "plain-2.0-p3", "plain-2.11-p5"})
    void versionsAgree(String name) throws IOException {
        Snapshot snapshot = read(name);
        assertThat(snapshot.devices()).containsExactly(0);
        Recording recording = snapshot.recording(0);
        assertThat(recording.events())
                .isEqualTo(read("plain-2.11-p5").recording(0).events());
        assertThat(snapshot.reserved(0))
                .isEqualTo(read("plain-2.11-p5").reserved(0))
                .isPositive();
        assertThat(recording.action(0)).isEqualTo(Action.SEGMENT_ALLOC);
        assertThat(recording.action(1)).isEqualTo(Action.ALLOC);
        assertThat(snapshot.frames(recording.frames(1))).hasSize(5);
        assertThat(snapshot.site(recording.frames(1))).isEqualTo("layer10 (net3.py:20)");
        assertThat(recording.timeMicros(1) > 0).isEqualTo(name.contains("2.11"));
        assertThat(snapshot.segments()).allSatisfy(segment -> {
            assertThat(segment.blocks().get(0).address()).isEqualTo(segment.address());
            assertThat(segment.blocks().stream().mapToLong(Snapshot.Block::size).sum())
                    .isEqualTo(segment.totalSize());
        });
        assertThat(TraceText.format(snapshot.trace(0)))
                .isEqualTo(TraceText.format(read("plain-2.11-p5").trace(0)));
    }

    @Test
    void aBareListOfSegmentsIsASnapshot() throws IOException {
        Snapshot snapshot = read("segments-only-p4");
        assertThat(snapshot.recording(0).events()).isZero();
        assertThat(snapshot.reserved(0)).isPositive();
        assertThat(snapshot.trace(0).phase(0)).isEqualTo(Snapshot.BEFORE);
        assertThat(snapshot.trace(0).peakLive().bytes()).isLessThanOrEqualTo(snapshot.allocated(0));
        assertThat(snapshot.conf()).isEmpty();
    }

    @Test
    void settingsAreRead() throws IOException {
        Snapshot snapshot = read("expandable-2.7-p4");
        assertThat(snapshot.conf()).hasValue("expandable_segments:True");
        assertThat(snapshot.settings())
                .containsEntry("expandable_segments", true)
                .containsEntry("max_split_size", -1L);
        assertThat(snapshot.segments()).allMatch(Snapshot.Segment::expandable);
    }

    @Test
    void twoDevicesStayApart() throws IOException {
        Snapshot snapshot = read("two-devices-2.7-p4");
        assertThat(snapshot.devices()).isEqualTo(List.of(0, 1));
        assertThat(snapshot.trace(0).device()).isZero();
        assertThat(snapshot.trace(1).device()).isEqualTo(1);
        assertThat(snapshot.trace(1).allocations())
                .isNotEqualTo(snapshot.trace(0).allocations());
    }

    @Test
    void aRingBufferLosesNoLiveBlock() throws IOException {
        Snapshot snapshot = read("ring-buffer-2.7-p4");
        Trace trace = snapshot.trace(0);
        assertThat(trace.phase(0)).isEqualTo(Snapshot.BEFORE);
        long live = 0;
        for (int id : trace.liveAt(trace.events() - 1)) {
            live += trace.bytes(id);
        }
        long requested = snapshot.segments().stream()
                .flatMap(segment -> segment.blocks().stream())
                .mapToLong(Snapshot.Block::requested)
                .sum();
        assertThat(live).isEqualTo(requested);
        assertThat(trace.skipped()).isZero();
    }

    @Test
    void theFailureTellsTheLimit() throws IOException {
        assertThat(read("oom-2.7-p4").limit(0)).hasValue(170L << 20);
        assertThat(read("plain-2.7-p4").limit(0)).isEmpty();
    }

    static Snapshot read(String name) throws IOException {
        try (InputStream in = SnapshotFormsTest.class.getResourceAsStream("/snapshots/" + name + ".pickle")) {
            return Snapshot.read(in);
        }
    }
}

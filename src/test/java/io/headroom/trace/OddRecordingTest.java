package io.headroom.trace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.trace.Recording.Action;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Recordings with frees that fit nothing, times that run backwards, events without their partner. */
class OddRecordingTest {
    @Test
    void aFreeOfAnUnknownAddressIsAnEarlierAllocation() throws IOException {
        Recording recording = new Recording();
        recording.add(Action.FREE_REQUESTED, 0x100, 512, 0, 0, -1);
        recording.add(Action.FREE_COMPLETED, 0x100, 512, 0, 0, -1);
        Trace trace = trace(recording);
        assertThat(trace.allocations()).isEqualTo(1);
        assertThat(trace.phase(0)).isEqualTo(Snapshot.BEFORE);
        assertThat(trace.skipped()).isZero();
    }

    @Test
    void aDoubleFreeIsLeftOut() throws IOException {
        Recording recording = new Recording();
        recording.add(Action.ALLOC, 0x100, 512, 0, 0, -1);
        for (int i = 0; i < 2; i++) {
            recording.add(Action.FREE_REQUESTED, 0x100, 512, 0, 0, -1);
            recording.add(Action.FREE_COMPLETED, 0x100, 512, 0, 0, -1);
        }
        Trace trace = trace(recording);
        assertThat(trace.allocations()).isEqualTo(1);
        assertThat(trace.skipped()).isEqualTo(2);
    }

    @Test
    void anAddressAllocatedTwiceWasFreedUnseen() throws IOException {
        Recording recording = new Recording();
        recording.add(Action.ALLOC, 0x100, 512, 0, 0, -1);
        recording.add(Action.ALLOC, 0x100, 1024, 0, 0, -1);
        Trace trace = trace(recording);
        assertThat(trace.peakLive().bytes()).isEqualTo(1024);
    }

    @Test
    void timesMayRunBackwards() throws IOException {
        Recording recording = new Recording();
        recording.add(Action.ALLOC, 0x100, 512, 0, 0, 900);
        recording.add(Action.ALLOC, 0x400, 512, 0, 0, 100);
        assertThat(trace(recording).timeMicros(2)).isEqualTo(100);
    }

    @Test
    void negativeAndHugeSizesDoNotStopIt() throws IOException {
        Recording recording = new Recording();
        recording.add(Action.ALLOC, 0x100, -7, 0, 0, -1);
        recording.add(Action.ALLOC, 0x200, Long.MAX_VALUE, 0, 0, -1);
        recording.add(Action.OTHER, 0, 0, 0, 0, -1);
        recording.add(Action.SEGMENT_FREE, 0, Long.MIN_VALUE, 0, 0, -1);
        assertThat(trace(recording).allocations()).isEqualTo(2);
    }

    private static Trace trace(Recording recording) throws IOException {
        return new Snapshot(List.of(), List.of(recording), Map.of(), new FrameTable(new PickleStore())).trace(0);
    }
}

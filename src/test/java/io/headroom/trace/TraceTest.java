package io.headroom.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TraceTest {
    @Test
    void thePeakNamesItsMoment() {
        Trace.Builder step = Trace.builder();
        step.phase("forward");
        int weights = step.alloc(100, "linear");
        int scores = step.alloc(1000, "attention");
        step.phase("backward");
        int gradient = step.alloc(500, "softmax backward");
        step.free(scores).free(gradient).alloc(200, "adam");
        Trace trace = step.build();
        assertThat(trace.peakLive()).isEqualTo(new Trace.Peak(1600, 4, "backward", "softmax backward"));
        assertThat(trace.liveAt(4)).containsExactly(weights, scores, gradient);
        assertThat(trace.liveByOperator(4))
                .containsExactly(
                        java.util.Map.entry("attention", 1000L),
                        java.util.Map.entry("softmax backward", 500L),
                        java.util.Map.entry("linear", 100L));
        assertThat(trace.phaseAt(1)).isEqualTo("forward");
        assertThat(trace.phase(scores)).isEqualTo("forward");
    }

    @Test
    void anEmptyTraceHasNoPeak() {
        assertThat(Trace.builder().build().peakLive()).isEqualTo(new Trace.Peak(0, -1, "", ""));
    }

    @Test
    void theBuilderMayGoOnAfterABuild() {
        Trace.Builder builder = Trace.builder();
        int first = builder.alloc(8, null);
        Trace before = builder.build();
        builder.free(first);
        assertThat(before.events()).isEqualTo(1);
        assertThat(builder.build().events()).isEqualTo(2);
    }

    @Test
    void wrongFreesAreRefused() {
        Trace.Builder builder = Trace.builder();
        int id = builder.alloc(8, "relu");
        assertThatThrownBy(() -> builder.free(7)).hasMessageContaining("allocation 7 is unknown");
        builder.free(id);
        assertThatThrownBy(() -> builder.free(id)).hasMessageContaining("relu").hasMessageContaining("freed already");
        assertThatThrownBy(() -> builder.alloc(-1, "relu")).hasMessageContaining("-1 bytes");
        assertThatThrownBy(() -> builder.freeCompleted(id)).isInstanceOf(IllegalArgumentException.class);
        assertThat(builder.build().events()).isEqualTo(2);
    }

    @Test
    void streamsAndTimesAreKept() {
        Trace.Builder builder = Trace.builder();
        builder.alloc(1, "a");
        builder.time(5);
        int b = builder.alloc(1, "b", 0x7f00L);
        builder.recordStream(b, 9);
        Trace trace = builder.build();
        assertThat(trace.timeMicros(0)).isEqualTo(-1);
        assertThat(trace.timeMicros(1)).isEqualTo(5);
        assertThat(trace.streamHandle(trace.stream(b))).isEqualTo(0x7f00L);
        assertThat(trace.streamHandle(trace.streamOfEvent(2))).isEqualTo(9);
        assertThat(trace.streams()).isEqualTo(3);
    }
}

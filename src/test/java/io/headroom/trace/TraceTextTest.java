package io.headroom.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.headroom.units.Bytes;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceTextTest {
    private static final String STORY =
            """
            # three samples
            phase epoch 1
            alloc a 60 MiB attention scores   # the big one
            alloc b 1.5GiB
            free a
            repeat 3
              alloc c 4MiB gelu on 2
              repeat 2
                alloc d 512 mask
                use d on 1
                free d
              end
              free c
            end
            empty_cache
            mark the large sample
            """;

    @Test
    void readsAStory() {
        Trace trace = TraceText.parse(STORY);
        assertThat(trace.allocations()).isEqualTo(2 + 3 * 3);
        assertThat(trace.bytes(0)).isEqualTo(60 * Bytes.MIB);
        assertThat(trace.operator(0)).isEqualTo("attention scores");
        assertThat(trace.bytes(1)).isEqualTo(1536 * Bytes.MIB);
        assertThat(trace.operator(1)).isEmpty();
        assertThat(trace.operator(2)).isEqualTo("gelu");
        assertThat(trace.streamHandle(trace.stream(2))).isEqualTo(2);
        assertThat(trace.phase(2)).isEqualTo("epoch 1");
        assertThat(trace.label(trace.events() - 1)).isEqualTo("the large sample");
    }

    @Test
    void writesWhatItReads() {
        Trace trace = TraceText.parse(STORY);
        String text = TraceText.format(trace);
        assertThat(TraceText.format(TraceText.parse(text))).isEqualTo(text);
        assertThat(TraceText.parse(text).peakLive()).isEqualTo(trace.peakLive());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "alloc a | line 1 | not understood",
                "alloc a lots | line 1 | not understood",
                "alloc a 5 MiB\\nalloc a 5 MiB | line 2 | allocated already",
                "free a | line 1 | nothing named",
                "malloc a 5 | line 1 | unknown step",
                "repeat 3 | line 1 | without end",
                "repeat x\\nend | line 1 | number of times",
                "alloc a 99999999999999999999 | line 1 | 8 EiB",
                "end | line 1 | unknown step",
            })
    void namesTheLineThatIsWrong(String text, String line, String message) {
        assertThatThrownBy(() -> TraceText.parse(text.replace("\\n", "\n")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(line)
                .hasMessageContaining(message);
    }

    @Test
    void aDollarIsTheNumberOfTheRepetition() {
        Trace trace = TraceText.parse(
                """
                repeat 2
                  repeat 3
                    alloc kept$ 1 MiB
                  end
                end
                free kept2.3
                """);
        assertThat(trace.peakLive().bytes()).isEqualTo(6L << 20);
        assertThat(trace.liveAt(trace.events() - 1)).hasSize(5);
    }

    @Test
    void repeatsEnd() {
        String bomb = "repeat 99999999\n".repeat(8) + "\n".repeat(3) + "end\n".repeat(8);
        assertThatThrownBy(() -> TraceText.parse(bomb)).hasMessageContaining("more than");
        assertThatThrownBy(() -> TraceText.parse("repeat 2\n".repeat(40) + "end\n".repeat(40)))
                .hasMessageContaining("nest");
    }

    @Test
    void aRepeatIsNotScannedEachTimeItRuns() {
        String text = "repeat 200000\nrepeat 0\n" + "\n".repeat(200_000) + "end\nend\n";
        assertTimeoutPreemptively(
                Duration.ofSeconds(10),
                () -> assertThat(TraceText.parse(text).events()).isZero());
    }

    @Test
    void liveAllocationsAreBounded() {
        assertThatThrownBy(() -> TraceText.parse("repeat 1000001\nalloc a$ 1\nend"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("live at once");
    }

    @Test
    void aLabelStaysOnItsLine() {
        Trace trace = Trace.builder().phase("epoch #3\nfree x").mark("a # b").build();
        Trace again = TraceText.parse(TraceText.format(trace));
        assertThat(again.label(0)).isEqualTo("epoch 3 free x");
        assertThat(again.label(1)).isEqualTo("a b");
    }

    @Test
    void anOperatorThatEndsLikeAStreamStaysAnOperator() {
        Trace.Builder written = Trace.builder();
        written.alloc(5, "copy on 3");
        written.alloc(6, "on 4");
        written.alloc(7, "copy on 3", 77);
        Trace again = TraceText.parse(TraceText.format(written.build()));
        assertThat(again.operator(0)).isEqualTo("copy on 3");
        assertThat(again.operator(1)).isEqualTo("on 4");
        assertThat(again.operator(2)).isEqualTo("copy on 3");
        assertThat(again.stream(0)).isZero();
        assertThat(again.stream(1)).isZero();
        assertThat(again.stream(2)).isEqualTo(1);
    }
}

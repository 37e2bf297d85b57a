package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Limit;
import io.headroom.memory.OperatorMemory;
import io.headroom.memory.Reading;
import io.headroom.memory.Samples;
import io.headroom.memory.Timeline;
import io.headroom.units.Bytes;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TimelineViewTest {
    private static final Limit CAP = new Limit(Limit.Kind.CAP, 2 * Bytes.GIB, OptionalLong.of(Bytes.GIB));

    @Test
    @SuppressWarnings("unchecked")
    void theFigureHasStagesPeakAndLimitAsPlainData() {
        Bundle bundle = TimelineView.of(timeline());
        assertThat(bundle.data()).containsOnlyKeys(Bundle.TEXT, PlotlyFigure.MIME);
        Map<String, Object> figure = (Map<String, Object>) bundle.data().get(PlotlyFigure.MIME);
        List<Map<String, Object>> data = (List<Map<String, Object>>) figure.get("data");
        assertThat(data).extracting(trace -> trace.get("name")).containsExactly("process", "Java heap", "limit");
        assertThat((List<Object>) data.get(0).get("x")).hasSize(3);
        assertThat(((Number) ((List<Object>) data.get(0).get("y")).get(1)).doubleValue())
                .isEqualTo(1.5);
        Map<String, Object> layout = (Map<String, Object>) figure.get("layout");
        assertThat(layout.get("title")).isEqualTo(Map.of("text", "Memory of this process"));
        assertThat((Map<String, Object>) layout.get("yaxis")).containsEntry("title", Map.of("text", "GiB"));
        assertThat((List<Map<String, Object>>) layout.get("annotations"))
                .extracting(note -> note.get("text"))
                .containsExactly("start", "&lt;b&gt;it&#39;s &quot;age&quot;&lt;/b&gt;", "peak 1.50 GiB", "end");
    }

    @Test
    void theTextShowsTheSame() {
        assertThat(TimelineView.of(timeline()).plain())
                .contains("Memory over 3 readings, peak 1.50 GiB, cap 2.00 GiB")
                .contains("1.50 GiB  <b>it's \"age\"</b>")
                .contains("0.00 s █");
    }

    /** Work is counted, not timed: how often a reading of a full timeline is looked at. */
    @Test
    void aFullTimelineIsReadANumberOfTimesThatDoesNotGrowWithItsLength() {
        assertThat(looks(2_000)).isLessThanOrEqualTo(10 * looks(200) + 100);
    }

    private static long looks(int length) {
        AtomicLong looks = new AtomicLong();
        List<Reading> readings = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            readings.add(Samples.reading(i, i % 7 == 0 ? "stage" : "", Bytes.GIB + i * Bytes.KIB, Optional.of(CAP)));
        }
        List<Reading> counted = new AbstractList<>() {
            @Override
            public Reading get(int index) {
                looks.incrementAndGet();
                return readings.get(index);
            }

            @Override
            public int size() {
                return length;
            }
        };
        Bundle bundle = TimelineView.of(counted, length);
        assertThat(bundle.data()).containsKey(PlotlyFigure.MIME);
        assertThat(bundle.plain()).contains("Memory over " + length + " readings");
        return looks.get();
    }

    @Test
    void nothingToDrawSaysWhatToDo() {
        assertThat(TimelineView.of(new Timeline()).data()).containsOnlyKeys(Bundle.TEXT);
    }

    @Test
    void operatorsAreATableAndAChart() {
        var peak = Samples.peak(
                List.of(new OperatorMemory("aten::bmm", "[2, 3]", 4, 2 << 20), new OperatorMemory("x", "", 1, -5)));
        assertThat((String) PeakView.of(peak).data().get(Bundle.HTML))
                .contains("step &lt;b&gt;")
                .contains("aten::bmm")
                .contains("sampled");
        assertThat(PeakView.operators(peak).rowCount()).isEqualTo(2);
        assertThat(PeakView.chart(peak).data()).containsKey(PlotlyFigure.MIME);
    }

    private static Timeline timeline() {
        Timeline timeline = new Timeline();
        timeline.add(Samples.reading(0, "start", Bytes.GIB, Optional.of(CAP)));
        timeline.add(Samples.reading(5, "<b>it's \"age\"</b>", 3 * Bytes.GIB / 2, Optional.of(CAP)));
        timeline.add(Samples.reading(9, "end", Bytes.GIB, Optional.of(CAP)));
        return timeline;
    }
}

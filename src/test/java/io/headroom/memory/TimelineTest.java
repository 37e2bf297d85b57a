package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import tech.tablesaw.api.Table;

class TimelineTest {
    @Test
    void tenThousandReadingsStayBoundedAndKeepPeakAndStages() {
        Timeline timeline = new Timeline();
        for (int i = 0; i < 10_000; i++) {
            String stage = i % 1_000 == 0 ? "epoch " + i / 1_000 : "";
            timeline.add(Samples.reading(i, stage, i == 4_321 ? 9_000_000 : 1_000_000 + i % 97));
        }
        assertThat(timeline.readings()).hasSizeLessThanOrEqualTo(2_000);
        assertThat(timeline.added()).isEqualTo(10_000);
        assertThat(timeline.highest().orElseThrow().rss()).hasValue(9_000_000);
        assertThat(timeline.readings().stream()
                        .filter(reading -> !reading.stage().isEmpty()))
                .hasSize(10);
    }

    @Test
    void aSpikeBetweenTwoReadingsOutlastsThinningThoughOnlyTheMarkTellsOfIt() {
        Timeline timeline = new Timeline();
        for (int i = 0; i < 4_000; i++) {
            timeline.add(Samples.marked(i, 1_000_000, i == 1_234 ? 5_000_000 : 1_000_000));
        }
        assertThat(timeline.readings()).hasSizeLessThanOrEqualTo(2_000);
        assertThat(timeline.peak()).hasValue(5_000_000);
        assertThat(timeline.highest().orElseThrow().rss()).hasValue(1_000_000);
    }

    @Test
    void aMarkFromBeforeTheFirstReadingIsNoPeakOfTheTimeline() {
        Timeline timeline = new Timeline();
        assertThat(timeline.peak()).isEmpty();
        timeline.add(Samples.marked(0, 1_000, 9_000));
        timeline.add(Samples.marked(1, 2_000, 9_000));
        assertThat(timeline.peak()).hasValue(2_000);
    }

    @Property(tries = 200)
    void firstLastAndHighestAreAlwaysKeptInOrder(
            @ForAll @IntRange(min = 8, max = 40) int capacity,
            @ForAll @Size(min = 1, max = 300) List<@LongRange(min = 1, max = 1_000_000) Long> sizes,
            @ForAll @IntRange(min = 1, max = 7) int named) {
        Timeline timeline = new Timeline(capacity);
        List<Reading> all = new ArrayList<>();
        for (int i = 0; i < sizes.size(); i++) {
            all.add(Samples.reading(i, i % named == 0 ? "s" + i : "", sizes.get(i)));
        }
        all.forEach(timeline::add);
        List<Reading> kept = timeline.readings();
        assertThat(kept).hasSizeLessThanOrEqualTo(capacity);
        assertThat(kept.get(0)).isSameAs(all.get(0));
        assertThat(kept.get(kept.size() - 1)).isSameAs(all.get(all.size() - 1));
        assertThat(timeline.highest().orElseThrow().rss())
                .hasValue(sizes.stream().mapToLong(Long::longValue).max().orElseThrow());
        assertThat(kept).isSortedAccordingTo((a, b) -> a.at().compareTo(b.at()));
    }

    @Test
    void whatDoesNotChangeIsHeldOnce() {
        LiveArrays.Manager weights = new LiveArrays.Manager("weights", false, 1, 1, 4, Map.of("(1) float32", 1));
        LiveArrays.Manager equal = new LiveArrays.Manager("weights", false, 1, 1, 4, Map.of("(1) float32", 1));
        LiveArrays.Manager batch = new LiveArrays.Manager("batch", false, 1, 2, 8, Map.of("(1) float32", 2));
        Timeline timeline = new Timeline();
        timeline.add(Samples.reading(0, "", 10).with(new LiveArrays(List.of(weights))));
        timeline.add(Samples.reading(1, "", 10).with(new LiveArrays(List.of(batch, equal))));
        timeline.add(Samples.reading(2, "", 10).with(new LiveArrays(List.of(batch, equal))));
        List<LiveArrays> kept = timeline.readings().stream()
                .map(reading -> reading.arrays().orElseThrow())
                .toList();
        assertThat(kept.get(1).managers()).containsExactly(batch, weights);
        assertThat(kept.get(1).managers().get(1)).isSameAs(weights);
        assertThat(kept.get(2)).isSameAs(kept.get(1));
    }

    @Test
    void theTableLeavesAbsentValuesMissing() {
        Timeline timeline = new Timeline();
        timeline.add(Samples.reading(0, "start", 10));
        timeline.add(Samples.reading(3, "end", 30));
        Table table = timeline.toTable();
        assertThat(table.longColumn("process").asList()).containsExactly(10L, 30L);
        assertThat(table.doubleColumn("time").asList()).containsExactly(0.0, 3.0);
        assertThat(table.column("kept").countMissing()).isEqualTo(2);
    }

    @Test
    void aCapacityNobodyCanDrawIsRefused() {
        assertThatThrownBy(() -> new Timeline(0)).hasMessageContaining("0 readings");
    }
}

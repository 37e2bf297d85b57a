package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import java.util.List;
import org.junit.jupiter.api.Test;

class BoundedShapesTest {
    @Test
    void aTimelineKeepsTheLargestShapesAndTheSumsOfAll() {
        Timeline timeline = new Timeline();
        for (int i = 0; i < 3; i++) {
            timeline.add(Samples.reading(i, "", Bytes.GIB).with(Samples.shapes(100, 7 + i)));
        }
        LiveArrays.Manager first = manager(timeline.readings().get(0));
        assertThat(first.shapes()).hasSize(16).containsEntry("(10000, 64) float32", 1);
        assertThat(first.count()).isEqualTo(107);
        assertThat(first.others()).isEqualTo(91);
        assertThat(first.bytes()).isEqualTo(manager(Samples.shapes(100, 7)).bytes());
        LiveArrays.Manager newest = manager(timeline.readings().get(2));
        assertThat(newest.shapes()).hasSize(101);
        assertThat(newest.others()).isZero();
    }

    @Test
    void readingsWithTheSameArraysKeepThemOnce() {
        Timeline timeline = new Timeline();
        for (int i = 0; i < 4; i++) {
            timeline.add(Samples.reading(i, "", Bytes.GIB).with(Samples.shapes(100, 7)));
        }
        List<Reading> readings = timeline.readings();
        assertThat(readings.get(1).arrays().orElseThrow())
                .isSameAs(readings.get(0).arrays().orElseThrow())
                .isSameAs(readings.get(2).arrays().orElseThrow());
    }

    @Test
    void twoThousandReadingsOfManyShapesAreBounded() {
        assertThat(Fork.run(ShapesMain.class, List.of("-Xmx24m", "-XX:+UseSerialGC"))
                        .output())
                .contains("kept 2000");
    }

    private static LiveArrays.Manager manager(Reading reading) {
        return manager(reading.arrays().orElseThrow());
    }

    private static LiveArrays.Manager manager(LiveArrays live) {
        return live.managers().get(0);
    }
}
